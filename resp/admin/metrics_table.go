package admin

// A figure is a metric whose value is a field of INFO.
type figure struct {
	field   string  // of INFO
	name    string  // of the metric
	counter bool    // it only grows, until CONFIG RESETSTAT or a restart
	scale   float64 // what the field's value is multiplied by; 0 = 1
	help    string
}

// redisFigures have the names of redis_exporter (its file exporter/metrics.go, and what Debian's 1.45 shows of a server
// without data), where the meaning is the same, so that what was made for it works. What is always 0 here, because
// there is no fork and no defragmentation, is among them: a dashboard may add it up.
var redisFigures = []figure{
	{field: "uptime_in_seconds", name: "redis_uptime_in_seconds", help: "Seconds since the start."},
	{field: "process_id", name: "redis_process_id", help: "The process's id."},
	{field: "io_threads_active", name: "redis_io_threads_active", help: "There are no I/O threads: 0."},

	{field: "connected_clients", name: "redis_connected_clients", help: "Clients, without replicas."},
	{field: "blocked_clients", name: "redis_blocked_clients", help: "Clients that wait for a key or for the end of a pause."},
	{field: "tracking_clients", name: "redis_tracking_clients", help: "Clients that have keys cached on their side."},
	{field: "clients_in_timeout_table", name: "redis_clients_in_timeout_table", help: "Clients that wait with a time-out."},
	{field: "cluster_connections", name: "redis_cluster_connections", help: "There is no cluster: 0."},
	{field: "maxclients", name: "redis_config_maxclients", help: "The most clients that are let in."},
	{field: "client_recent_max_input_buffer", name: "redis_client_recent_max_input_buffer_bytes", help: "The largest unfinished command of a client."},
	{field: "client_recent_max_output_buffer", name: "redis_client_recent_max_output_buffer_bytes", help: "The most that waits to be sent to one client."},

	{field: "allocator_active", name: "redis_allocator_active_bytes", help: "Memory in use by the allocator's pages."},
	{field: "allocator_allocated", name: "redis_allocator_allocated_bytes", help: "Memory in use by objects."},
	{field: "allocator_resident", name: "redis_allocator_resident_bytes", help: "Memory that the allocator has from the system."},
	{field: "allocator_frag_ratio", name: "redis_allocator_frag_ratio", help: "Active by allocated memory."},
	{field: "allocator_frag_bytes", name: "redis_allocator_frag_bytes", help: "Active less allocated memory."},
	{field: "allocator_rss_ratio", name: "redis_allocator_rss_ratio", help: "Resident by active memory."},
	{field: "allocator_rss_bytes", name: "redis_allocator_rss_bytes", help: "Resident less active memory."},
	{field: "used_memory", name: "redis_memory_used_bytes", help: "Memory that the process uses, without what the runtime keeps free."},
	{field: "used_memory_rss", name: "redis_memory_used_rss_bytes", help: "Memory that the system counts for the process."},
	{field: "used_memory_peak", name: "redis_memory_used_peak_bytes", help: "The most memory that was seen in use."},
	{field: "used_memory_lua", name: "redis_memory_used_lua_bytes", help: "Memory of scripts' Lua."},
	{field: "used_memory_overhead", name: "redis_memory_used_overhead_bytes", help: "Memory in use for anything but keys and values."},
	{field: "used_memory_startup", name: "redis_memory_used_startup_bytes", help: "Memory that was in use at the start."},
	{field: "used_memory_dataset", name: "redis_memory_used_dataset_bytes", help: "Memory of the keys and values that are in memory."},
	{field: "used_memory_scripts", name: "redis_memory_used_scripts_bytes", help: "Memory of cached scripts and functions."},
	{field: "number_of_cached_scripts", name: "redis_number_of_cached_scripts", help: "Scripts that EVALSHA knows."},
	{field: "maxmemory", name: "redis_memory_max_bytes", help: "The setting maxmemory; 0 = chosen by the server."},
	{field: "mem_fragmentation_ratio", name: "redis_mem_fragmentation_ratio", help: "Resident by used memory."},
	{field: "mem_fragmentation_bytes", name: "redis_mem_fragmentation_bytes", help: "Resident less used memory."},
	{field: "mem_clients_slaves", name: "redis_mem_clients_slaves", help: "Memory of what waits for replicas."},
	{field: "mem_clients_normal", name: "redis_mem_clients_normal", help: "Memory of clients' buffers."},
	{field: "mem_not_counted_for_evict", name: "redis_mem_not_counted_for_eviction_bytes", help: "Always 0."},
	{field: "total_system_memory", name: "redis_total_system_memory_bytes", help: "The machine's memory."},
	{field: "active_defrag_running", name: "redis_active_defrag_running", help: "There is no defragmentation: 0."},
	{field: "lazyfree_pending_objects", name: "redis_lazyfree_pending_objects", help: "Always 0: what is deleted is let go in slices."},
	{field: "migrate_cached_sockets", name: "redis_migrate_cached_sockets_total", help: "Connections that MIGRATE keeps."},

	{field: "loading", name: "redis_loading_dump_file", help: "1 while data moves in."},
	{field: "rdb_changes_since_last_save", name: "redis_rdb_changes_since_last_save", help: "Changes since the last dump.rdb."},
	{field: "rdb_bgsave_in_progress", name: "redis_rdb_bgsave_in_progress", help: "1 while a dump.rdb is being written."},
	{field: "rdb_last_save_time", name: "redis_rdb_last_save_timestamp_seconds", help: "When the last dump.rdb was written."},
	{field: "rdb_last_bgsave_time_sec", name: "redis_rdb_last_bgsave_duration_sec", help: "Seconds that the last dump.rdb took, -1 = there is none."},
	{field: "rdb_current_bgsave_time_sec", name: "redis_rdb_current_bgsave_duration_sec", help: "Seconds that the dump.rdb under way has taken, -1 = there is none."},
	{field: "rdb_last_cow_size", name: "redis_rdb_last_cow_size_bytes", help: "There is no fork: 0."},
	{field: "aof_enabled", name: "redis_aof_enabled", help: "Always 1: there is a journal."},
	{field: "aof_rewrite_in_progress", name: "redis_aof_rewrite_in_progress", help: "1 while BGREWRITEAOF works."},
	{field: "aof_rewrite_scheduled", name: "redis_aof_rewrite_scheduled", help: "Always 0."},
	{field: "aof_last_rewrite_time_sec", name: "redis_aof_last_rewrite_duration_sec", help: "Seconds that the last BGREWRITEAOF took, -1 = there was none."},
	{field: "aof_current_rewrite_time_sec", name: "redis_aof_current_rewrite_duration_sec", help: "Seconds that the BGREWRITEAOF under way has taken, -1 = there is none."},
	{field: "aof_last_cow_size", name: "redis_aof_last_cow_size_bytes", help: "There is no fork: 0."},
	{field: "aof_current_size", name: "redis_aof_current_size_bytes", help: "Bytes of the journal."},
	{field: "aof_delayed_fsync", name: "redis_aof_delayed_fsync", help: "Fsyncs of the journal that others had to wait for."},
	{field: "module_fork_in_progress", name: "redis_module_fork_in_progress", help: "There are no modules: 0."},
	{field: "module_fork_last_cow_size", name: "redis_module_fork_last_cow_size", help: "There are no modules: 0."},

	{field: "pubsub_channels", name: "redis_pubsub_channels", help: "Channels that somebody has subscribed to."},
	{field: "pubsub_patterns", name: "redis_pubsub_patterns", help: "Patterns that somebody has subscribed to."},
	{field: "pubsubshard_channels", name: "redis_pubsubshard_channels", help: "Shard channels that somebody has subscribed to."},
	{field: "total_connections_received", name: "redis_connections_received_total", counter: true, help: "Connections that were let in."},
	{field: "total_commands_processed", name: "redis_commands_processed_total", counter: true, help: "Commands."},
	{field: "rejected_connections", name: "redis_rejected_connections_total", counter: true, help: "Connections that were turned away."},
	{field: "total_net_input_bytes", name: "redis_net_input_bytes_total", counter: true, help: "Bytes that clients have sent."},
	{field: "total_net_output_bytes", name: "redis_net_output_bytes_total", counter: true, help: "Bytes that were sent to clients."},
	{field: "total_net_repl_input_bytes", name: "redis_net_repl_input_bytes_total", counter: true, help: "Always 0: they count among clients' bytes."},
	{field: "total_net_repl_output_bytes", name: "redis_net_repl_output_bytes_total", counter: true, help: "Always 0: they count among clients' bytes."},
	{field: "expired_keys", name: "redis_expired_keys_total", counter: true, help: "Keys that have expired."},
	{field: "expired_stale_perc", name: "redis_expired_stale_percentage", help: "Always 0: a key is gone at its deadline."},
	{field: "expired_time_cap_reached_count", name: "redis_expired_time_cap_reached_total", help: "Always 0."},
	{field: "expire_cycle_cpu_milliseconds", name: "redis_expire_cycle_cpu_time_ms_total", counter: true, help: "Milliseconds that the removal of expired keys has taken."},
	{field: "evicted_keys", name: "redis_evicted_keys_total", counter: true, help: "Keys that were removed to keep within a bound."},
	{field: "keyspace_hits", name: "redis_keyspace_hits_total", counter: true, help: "Keys that a command looked for and found."},
	{field: "keyspace_misses", name: "redis_keyspace_misses_total", counter: true, help: "Keys that a command looked for in vain."},
	{field: "total_reads_processed", name: "redis_total_reads_processed", counter: true, help: "Reads from connections."},
	{field: "total_writes_processed", name: "redis_total_writes_processed", counter: true, help: "Writes to connections."},
	{field: "io_threaded_reads_processed", name: "redis_io_threaded_reads_processed", counter: true, help: "There are no I/O threads: 0."},
	{field: "io_threaded_writes_processed", name: "redis_io_threaded_writes_processed", counter: true, help: "There are no I/O threads: 0."},
	{field: "total_error_replies", name: "redis_total_error_replies", counter: true, help: "Replies that were errors."},
	{field: "unexpected_error_replies", name: "redis_unexpected_error_replies", counter: true, help: "Always 0."},
	{field: "dump_payload_sanitizations", name: "redis_dump_payload_sanitizations", counter: true, help: "Always 0: every payload of RESTORE is checked."},
	{field: "tracking_total_keys", name: "redis_tracking_total_keys", help: "Keys that clients have cached."},
	{field: "tracking_total_items", name: "redis_tracking_total_items", help: "Pairs of a key and a client that has cached it."},
	{field: "tracking_total_prefixes", name: "redis_tracking_total_prefixes", help: "Prefixes that clients track."},
	{field: "slave_expires_tracked_keys", name: "redis_slave_expires_tracked_keys", help: "Always 0."},
	{field: "latest_fork_usec", name: "redis_latest_fork_seconds", scale: 1e-6, help: "There is no fork: 0."},
	{field: "active_defrag_hits", name: "redis_defrag_hits", help: "There is no defragmentation: 0."},
	{field: "active_defrag_misses", name: "redis_defrag_misses", help: "There is no defragmentation: 0."},
	{field: "active_defrag_key_hits", name: "redis_defrag_key_hits", help: "There is no defragmentation: 0."},
	{field: "active_defrag_key_misses", name: "redis_defrag_key_misses", help: "There is no defragmentation: 0."},

	{field: "connected_slaves", name: "redis_connected_slaves", help: "Replicas."},
	{field: "sync_full", name: "redis_replica_resyncs_full", help: "Full copies that replicas have got."},
	{field: "sync_partial_ok", name: "redis_replica_partial_resync_accepted", help: "Replicas that went on where they were."},
	{field: "sync_partial_err", name: "redis_replica_partial_resync_denied", help: "Replicas that could not go on where they were."},
	{field: "repl_backlog_size", name: "redis_replication_backlog_bytes", help: "How much of the stream is kept for replicas that come back."},
	{field: "repl_backlog_active", name: "redis_repl_backlog_is_active", help: "1 = the stream is kept for replicas that come back."},
	{field: "repl_backlog_first_byte_offset", name: "redis_repl_backlog_first_byte_offset", help: "Where in the stream what is kept begins."},
	{field: "repl_backlog_histlen", name: "redis_repl_backlog_history_bytes", help: "How much of the stream there is for replicas that come back."},
	{field: "master_repl_offset", name: "redis_master_repl_offset", help: "How long the stream is."},
	{field: "second_repl_offset", name: "redis_second_repl_offset", help: "Up to where replicas of the master before may go on."},

	{field: "used_cpu_sys", name: "redis_cpu_sys_seconds_total", counter: true, help: "Processor time in the system."},
	{field: "used_cpu_user", name: "redis_cpu_user_seconds_total", counter: true, help: "Processor time outside of the system."},
	{field: "used_cpu_sys_children", name: "redis_cpu_sys_children_seconds_total", counter: true, help: "There are no child processes: 0."},
	{field: "used_cpu_user_children", name: "redis_cpu_user_children_seconds_total", counter: true, help: "There are no child processes: 0."},
	{field: "cluster_enabled", name: "redis_cluster_enabled", help: "There is no cluster: 0."},
}

// statusFigures are 1 where INFO says ok.
var statusFigures = []figure{
	{field: "rdb_last_bgsave_status", name: "redis_rdb_last_bgsave_status", help: "1 = the last dump.rdb was written, and the disk takes writes."},
	{field: "aof_last_bgrewrite_status", name: "redis_aof_last_bgrewrite_status", help: "1 = the last BGREWRITEAOF did not fail."},
	{field: "aof_last_write_status", name: "redis_aof_last_write_status", help: "1 = the journal takes writes."},
}

// ourFigures are what Redis has no words for.
var ourFigures = []figure{
	{field: "hot_bytes", name: "diskette_hot_bytes", help: "Memory of the keys that are in memory."},
	{field: "hot_objects", name: "diskette_hot_keys", help: "Keys that are in memory."},
	{field: "hot_limit", name: "diskette_hot_limit_bytes", help: "The most memory that keys may take."},
	{field: "loads", name: "diskette_loads_total", counter: true, help: "Keys that were read from disk for a command."},
	{field: "load_usec", name: "diskette_load_seconds_total", counter: true, scale: 1e-6, help: "Time of reading keys from disk."},
	{field: "unloaded", name: "diskette_unloaded_keys_total", counter: true, help: "Keys that were dropped from memory and stay on disk."},
	{field: "free_bytes", name: "diskette_free_bytes", help: "Bytes within the database file that are free for new data."},
	{field: "wal_limit", name: "diskette_wal_limit_bytes", help: "The setting wal-limit, in bytes."},
	{field: "wal_held_by_reader_seconds", name: "diskette_wal_held_by_reader_seconds",
		help: "For how long another program's transaction has kept the WAL from being written from its start."},
	{field: "indexed_keys", name: "diskette_indexed_keys", help: "Large collections whose elements have an index on disk."},
	{field: "journal_segments", name: "diskette_journal_segments", help: "Files of the journal."},
	{field: "journal_records", name: "diskette_journal_records_total", counter: true, help: "Records that the journal has taken: commands that have changed something."},
	{field: "journal_commits", name: "diskette_journal_commits_total", counter: true, help: "Writes of the journal, each for all who waited."},
	{field: "journal_bytes_written", name: "diskette_journal_written_bytes_total", counter: true, help: "Bytes that the journal has written."},
	{field: "journal_failures", name: "diskette_journal_failures_total", counter: true, help: "Writes and fsyncs of the journal that have failed."},
	{field: "fsyncs", name: "diskette_fsyncs_total", counter: true, help: "Fsyncs of the journal."},
	{field: "fsync_usec", name: "diskette_fsync_seconds_total", counter: true, scale: 1e-6, help: "Time of the journal's fsyncs."},
	{field: "last_fsync_time", name: "diskette_last_fsync_timestamp_seconds", help: "When the journal's last fsync ended; 0 = none since the start."},
	{field: "delayed_fsyncs", name: "diskette_delayed_fsyncs_total", counter: true, help: "Fsyncs of the journal that others had to wait for."},
	{field: "unapplied_records", name: "diskette_journal_lag_records", help: "Records of the journal that the tables do not have yet."},
	{field: "backlog_bytes", name: "diskette_journal_lag_bytes", help: "Bytes of the journal that the tables do not have yet."},
	{field: "write_backs", name: "diskette_write_backs_total", counter: true, help: "Transactions that have brought changes into the tables."},
	{field: "write_back_rows", name: "diskette_write_back_rows_total", counter: true, help: "Rows that these have written."},
	{field: "write_back_usec", name: "diskette_write_back_seconds_total", counter: true, scale: 1e-6, help: "Time that these have taken."},
	{field: "write_back_failures", name: "diskette_write_back_failures_total", counter: true, help: "Those that have failed, and are tried again."},
	{field: "rows_set_aside", name: "diskette_rows_set_aside_total", counter: true, help: "Rows that the tables have refused, and that are kept in a file."},
	{field: "reaped_rows", name: "diskette_reaped_rows_total", counter: true, help: "Rows of deleted keys that were removed."},
	{field: "vacuumed_pages", name: "diskette_vacuumed_pages_total", counter: true, help: "Pages that were given back to the file system."},
	{field: "stranger_disconnections", name: "diskette_stranger_disconnections_total", counter: true, help: "Connections without a password that were closed because together they held too much."},
	{field: "delayed_auth_failures", name: "diskette_delayed_auth_failures_total", counter: true, help: "Wrong passwords whose answer had to wait."},
	{field: "disk_full", name: "diskette_disk_full", help: "1 = the disk is full, and writes are refused."},
	{field: "storage_damaged", name: "diskette_storage_damaged", help: "1 = a part of the data can not be read."},
	{field: "storage_io_errors", name: "diskette_storage_io_errors_total", counter: true, help: "Errors of the disk."},
	{field: "maxdisk", name: "diskette_disk_limit_bytes", help: "The setting maxdisk, in bytes; 0 = there is no bound."},
	{field: "maxdisk_free", name: "diskette_disk_kept_free_bytes", help: "The setting maxdisk-free, in bytes."},
	{field: "disk_total", name: "diskette_file_system_bytes", help: "Size of the file system that the data is on."},
	{field: "disk_free", name: "diskette_file_system_free_bytes", help: "What is free on it."},
	{field: "evicted_bytes", name: "diskette_evicted_bytes_total", counter: true, help: "Bytes on disk of the keys that were evicted."},
	{field: "evicted_age_ms", name: "diskette_evicted_age_seconds", scale: 1e-3, help: "How long ago the key that was evicted last had been used or stored."},
	{field: "refused_for_room", name: "diskette_refused_for_room_total", counter: true, help: "Commands that were refused because there was no room."},
	{field: "full_databases", name: "diskette_full_databases", help: "Databases that are at their bound."},
	{field: "evicted_clients", name: "diskette_evicted_clients_total", counter: true, help: "Clients that were closed at maxmemory-clients."},
	{field: "expired_subkeys", name: "diskette_expired_fields_total", counter: true, help: "Fields of hashes that have expired."},
}

// diskFields are the parts of what is on disk.
var diskFields = []struct{ field, part string }{
	{"used_disk_database", "database"}, {"used_disk_wal", "wal"}, {"used_disk_journal", "journal"}, {"used_disk_reserve", "reserve"},
}

// denialFields are those of permissions and passwords.
var denialFields = []struct{ field, reason string }{
	{"acl_access_denied_cmd", "command"}, {"acl_access_denied_key", "key"},
	{"acl_access_denied_channel", "channel"}, {"acl_access_denied_auth", "auth"},
}
