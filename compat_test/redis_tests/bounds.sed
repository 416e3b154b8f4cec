# Redis's tests in the words of a server where maxmemory bounds memory and maxdisk the data: sed -E -f.
/propagation with eviction in MULTI/,$ s/config set maxmemory 1$/config set maxdisk-db "9 1"/
s/^( *)(\$?[a-z0-9]+) config set maxmemory 1$/\1no_room \2/
s/^( *)(\$?[a-z0-9]+) config set maxmemory 0$/\1room \2/

# unit/client-eviction: it would have a server of its own, without the limit of the test before.
/foreach type/,$ s/^( *)r client no-evict on$/&; r config set client-output-buffer-limit "normal 0 0 0"/

# unit/maxmemory. A key takes a row, and what was written lies in the journal for some seconds: so the steps are larger.
s/set used \[s used_memory\]/set used [least_disk]/
s/s used_memory\]/s used_disk]/g
s/config set maxmemory \$limit/config set maxdisk $limit/
s/\$used\+100\*1024/$used+(16<<20)/
s/used_disk\]\+4096 >/used_disk]+(6<<20) >/
s/< \(\$limit\+4096\)/<= $limit/
s/^( *catch \{r set(ex)? .*) x\}/\1 [string repeat x 400000]}/
s/^( *)(r set(ex)? .*(Key|key).*) x$/\1if {[catch {\2 [string repeat x 400000]}]} {assert {$numkeys > 10}; break}/
s/if \{\[catch \{r set \[randomKey\] x\} e\]\}/if {[catch {r set [randomKey] [string repeat x 400000]} e]}/
