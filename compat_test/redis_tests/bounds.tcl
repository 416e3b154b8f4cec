
# no_room brings the server to its bound with nothing that it may evict, room takes the bound away. In Redis it is
# maxmemory 1 and 0. The last command is the caller's own client's, which may be one that reads its reply later.
proc no_room {client} {
    set own [redis_client]
    if {[$own dbsize] == 0} { $own rpush no-room x }
    $own config set maxdisk-db "9 1"
    wait_for_condition 500 10 {
        [string match *full_databases:1* [$own info bounds]] || [string match *evicted=\[1-9\]* [$own info bounds]]
    } else {
        fail "the bound is not reached"
    }
    $own close
    if {$client eq {r}} { return [r config set maxdisk-db "9 1"] }
    $client config set maxdisk-db "9 1"
}

proc room {client} {
    set own [redis_client]
    $own del no-room
    $own close
    if {$client eq {r}} { return [r config set maxdisk-db ""] }
    $client config set maxdisk-db ""
}

# least_disk brings an empty server down to the smallest maxdisk, and returns that.
proc least_disk {} {
    r config set maxdisk 8mb
    wait_for_condition 600 50 {
        [s used_disk] <= (8<<20)
    } else {
        fail "the files of an empty server do not become smaller: [r info bounds]"
    }
    return [expr {8<<20}]
}
