package resp

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math/bits"
	"os"
	"runtime"
	"strings"
	"time"

	"diskette/resp/acl"
	"diskette/resp/command"
	"diskette/resp/internal/machine"
	"diskette/store"
)

func infoServer(t *infoText, r *infoReport) {
	s := r.s
	up := r.now.Sub(s.started)
	executable, _ := os.Executable() // empty where the system does not say
	t.line("redis_version", RedisVersion)
	t.line("diskette_version", Version)
	t.line("redis_git_sha1", "00000000")
	t.line("redis_git_dirty", 0)
	t.line("redis_build_id", buildID())
	t.line("redis_mode", "standalone")
	t.line("os", operatingSystem(os.DirFS("/")))
	t.line("arch_bits", bits.UintSize)
	t.line("monotonic_clock", "Go runtime")
	t.line("multiplexing_api", multiplexingAPI())
	t.line("atomicvar_api", "sync/atomic")
	t.line("go_version", strings.TrimPrefix(runtime.Version(), "go"))
	t.line("process_id", os.Getpid())
	t.line("process_supervised", cmp.Or(s.supervisedBy, "no"))
	t.line("run_id", s.runID)
	t.line("tcp_port", s.cfg.Int("port"))
	t.line("server_time_usec", r.now.UnixMicro())
	t.line("uptime_in_seconds", int64(up/time.Second))
	t.line("uptime_in_days", int64(up/(24*time.Hour)))
	t.line("hz", s.cfg.Hz.Load())
	t.line("configured_hz", s.cfg.Hz.Load())
	t.line("lru_clock", r.now.Unix()&(1<<24-1))
	t.line("executable", executable)
	t.line("config_file", s.cfg.File())
	t.line("io_threads_active", 0)
}

// multiplexingAPI is what Go's runtime waits for connections with.
func multiplexingAPI() string {
	switch runtime.GOOS {
	case "linux":
		return "epoll"
	case "darwin", "freebsd", "netbsd", "openbsd", "dragonfly":
		return "kqueue"
	}
	return "go"
}

// VersionLine is what --version prints, in Redis's form, which scripts take apart: v is the
// version of Redis that it answers as.
func VersionLine() string {
	return fmt.Sprintf("Diskette server v=%s sha=00000000:0 malloc=go bits=%d build=%s diskette=%s", RedisVersion, bits.UintSize, buildID(), Version)
}

// buildID tells one build from another, in Redis's form: 16 hexadecimal digits.
func buildID() string {
	sum := sha256.Sum256([]byte(Version + runtime.Version() + runtime.GOOS + runtime.GOARCH))
	return hex.EncodeToString(sum[:8])
}

// operatingSystem is kernel, release and machine as uname shows them.
func operatingSystem(root fs.FS) string {
	words := []string{runtime.GOOS}
	for i, file := range []string{"proc/sys/kernel/ostype", "proc/sys/kernel/osrelease"} {
		if content, err := fs.ReadFile(root, file); err == nil {
			words = append(words[:i:i], strings.TrimSpace(string(content)))
		}
	}
	machine := runtime.GOARCH
	switch machine {
	case "amd64":
		machine = "x86_64"
	case "arm64":
		machine = "aarch64"
	}
	return strings.Join(append(words, machine), " ")
}

func infoClients(t *infoText, r *infoReport) {
	var clients, blocked, input, output, subscribed, watching, watched int
	for _, cl := range r.s.clients.list() {
		if !cl.isReplica() {
			clients++
		}
		if cl.blocked.Load() { // in the queue of a key, or held up by CLIENT PAUSE
			blocked++
		}
		if cl.subscriptions.all() > 0 {
			subscribed++
		}
		input = max(input, cl.guard.Buffered())
		output = max(output, int(cl.unsent()))
		cl.mu.Lock()
		if n := cl.multiLocked().watching; n > 0 {
			watching++
			watched += n
		}
		cl.mu.Unlock()
	}
	t.line("connected_clients", clients)
	t.line("cluster_connections", 0)
	t.line("maxclients", r.s.cfg.MaxClients.Load())
	t.line("client_recent_max_input_buffer", input)
	t.line("client_recent_max_output_buffer", output)
	t.line("blocked_clients", blocked)
	t.line("tracking_clients", r.s.tracking.clients.Load())
	t.line("pubsub_clients", subscribed)
	t.line("watching_clients", watching)
	t.line("clients_in_timeout_table", r.s.blockers.timed.Load())
	t.line("total_watched_keys", watched)
	t.line("total_blocking_keys", r.s.blockers.keys.Load())
	t.line("total_blocking_keys_on_nokey", r.s.blockers.watched.Load())
}

func infoMemory(t *infoText, r *infoReport) {
	m := machine.ReadProcess()
	st, used, rss := &r.store, m.Used, m.RSS
	start := r.s.sampler.startup(used, st.HotBytes)
	peak := r.s.sampler.noteMemory(used)
	t.bytes("used_memory", used)
	t.bytes("used_memory_rss", rss)
	t.bytes("used_memory_peak", peak)
	t.linef("used_memory_peak_perc", "%.2f%%", 100*ratio(used, peak))
	t.line("used_memory_overhead", max(0, used-st.HotBytes))
	t.line("used_memory_startup", start)
	t.line("used_memory_dataset", st.HotBytes)
	t.linef("used_memory_dataset_perc", "%.2f%%", min(100, 100*ratio(st.HotBytes, max(1, used-start))))
	t.line("allocator_allocated", m.Objects)
	t.line("allocator_active", m.Active)
	t.line("allocator_resident", m.Resident)
	if total := machine.TotalMemory(os.DirFS("/")); total > 0 {
		t.bytes("total_system_memory", total)
	}
	r.lua.write(t)
	t.bytes("maxmemory", r.s.cfg.Int("maxmemory")) // as it was given; hot_limit is what it comes to
	t.line("maxmemory_policy", r.s.cfg.Text("maxmemory-policy"))
	t.linef("allocator_frag_ratio", "%.2f", ratio(m.Active, m.Objects))
	t.line("allocator_frag_bytes", m.Active-m.Objects)
	t.linef("allocator_rss_ratio", "%.2f", ratio(m.Resident, m.Active))
	t.line("allocator_rss_bytes", m.Resident-m.Active)
	t.linef("rss_overhead_ratio", "%.2f", ratio(rss, m.Resident))
	t.line("rss_overhead_bytes", rss-m.Resident)
	t.linef("mem_fragmentation_ratio", "%.2f", ratio(rss, used))
	t.line("mem_fragmentation_bytes", rss-used)
	t.line("mem_not_counted_for_evict", 0)
	backlog, behind, ofReplicas := r.s.replicas.memory()
	t.line("mem_replication_backlog", backlog)
	t.line("mem_total_replication_buffers", backlog+behind)
	t.line("mem_clients_slaves", ofReplicas)
	t.line("mem_clients_normal", r.s.clientsMemory())
	t.line("mem_cluster_links", 0)
	t.line("mem_allocator", "go")
	t.line("active_defrag_running", 0)
	t.line("lazyfree_pending_objects", 0)
	t.line("lazyfreed_objects", 0)
}

// infoPersistence tells of dump.rdb as Redis does, and of the journal what comes nearest to an append only file.
func infoPersistence(t *infoText, r *infoReport) {
	if r.loading != nil {
		r.loading.info(t, r.now)
		return
	}
	st := &r.store
	save, rewrite := r.s.dumps.state(r.now), r.s.rewrite.state(r.now)
	t.line("loading", 0)
	damage := r.s.store.Damage()
	t.line("storage_damaged", zeroOne(damage.What != ""))
	if damage.What != "" {
		t.line("storage_damaged_what", command.OneLine(damage.What))
		t.line("storage_damaged_since", damage.Since.Unix())
	}
	t.line("storage_damaged_reads", damage.Reads)
	t.line("storage_damaged_writes", damage.Writes)
	t.line("storage_io_errors", damage.IOErrors)
	t.line("async_loading", 0)
	t.line("current_cow_peak", 0)
	t.line("current_cow_size", 0)
	t.line("current_cow_size_age", 0)
	t.linef("current_fork_perc", "%.2f", 0.0)
	t.line("current_save_keys_processed", save.keys)
	t.line("current_save_keys_total", save.total)
	t.line("rdb_changes_since_last_save", st.Changes-save.changes)
	t.line("rdb_bgsave_in_progress", zeroOne(save.running))
	t.line("rdb_last_save_time", save.saved.Unix())
	// The alarms that hang on it are for a disk that does not take what it should.
	t.line("rdb_last_bgsave_status", okOr(save.failed || st.WriteBackError != "" || st.ReserveGone))
	t.line("rdb_last_bgsave_time_sec", save.lastSeconds)
	t.line("rdb_current_bgsave_time_sec", save.currentSeconds)
	t.line("rdb_saves", save.count)
	t.line("rdb_last_cow_size", 0)
	t.line("rdb_last_load_keys_expired", 0)
	t.line("rdb_last_load_keys_loaded", 0)
	if im := r.s.store.Imported(); im.Source != "" { // what the first data came from
		t.line("imported_from", command.OneLine(im.Source))
		t.line("imported_time", im.Time.Unix())
		t.line("imported_keys", im.Keys)
	}
	infoLastBackup(t, r.s.cfg.Text("dir"))
	t.line("aof_enabled", 1)
	t.line("aof_rewrite_in_progress", zeroOne(rewrite.running))
	t.line("aof_rewrite_scheduled", 0)
	t.line("aof_last_rewrite_time_sec", rewrite.lastSeconds)
	t.line("aof_current_rewrite_time_sec", rewrite.currentSeconds)
	t.line("aof_last_bgrewrite_status", okOr(rewrite.failed))
	t.line("aof_rewrites", rewrite.finished)
	t.line("aof_last_write_status", okOr(st.JournalError != "" || st.ReserveGone))
	t.line("aof_last_cow_size", 0)
	t.line("module_fork_in_progress", 0)
	t.line("module_fork_last_cow_size", 0)
	t.line("aof_current_size", st.Journal.Bytes)
	t.line("aof_delayed_fsync", st.Journal.DelayedFsyncs)
}

// infoLastBackup tells of the copy that was made last, also by a command beside the server.
func infoLastBackup(t *infoText, dir string) {
	b, err := store.ReadLastBackup(dir)
	switch {
	case errors.Is(err, store.ErrNoBackup):
		t.line("last_backup_time", -1)
	case err != nil:
		t.line("last_backup_time", -1)
		t.line("last_backup_error", command.OneLine(err.Error()))
	default:
		t.line("last_backup_time", b.Time.Unix())
		t.line("last_backup_kind", command.OneLine(b.Kind))
		t.line("last_backup_by", command.OneLine(b.By))
		t.line("last_backup_file", command.OneLine(b.File))
		t.line("last_backup_bytes", b.Bytes)
	}
}

func infoStats(t *infoText, r *infoReport) {
	net := r.s.clients.traffic()
	batches, batchMicros := r.s.sampler.batchRates()
	infoTraffic(t, r.s, net)
	infoEvents(t, r)
	infoHousekeeping(t, r.s)
	infoErrors(t, r.s)
	t.line("dump_payload_sanitizations", 0)
	t.line("total_reads_processed", net.Reads)
	t.line("total_writes_processed", net.Writes)
	t.line("io_threaded_reads_processed", 0)
	t.line("io_threaded_writes_processed", 0)
	t.line("reply_buffer_shrinks", 0)
	t.line("reply_buffer_expands", 0)
	t.line("client_query_buffer_limit_disconnections", r.s.stats.overQuery.Load())
	t.line("client_output_buffer_limit_disconnections", r.s.stats.overOutput.Load())
	// There is no event loop: a cycle is a batch of commands of one client, and the time is the processor's.
	cycles := r.s.loopNow().since(r.s.stats.loop.Load())
	t.line("eventloop_cycles", cycles.batches)
	t.line("eventloop_duration_sum", cycles.processor.Microseconds())
	t.line("eventloop_duration_cmd_sum", r.s.commandMicros())
	t.linef("instantaneous_eventloop_cycles_per_sec", "%.0f", batches)
	t.linef("instantaneous_eventloop_duration_usec", "%.0f", batchMicros)
}

func infoTraffic(t *infoText, s *Server, net traffic) {
	rates := s.sampler.rates()
	t.line("total_connections_received", s.stats.connections.Load())
	t.line("total_commands_processed", s.stats.commands.Load())
	t.linef("instantaneous_ops_per_sec", "%.0f", rates.commands)
	t.line("total_net_input_bytes", net.In)
	t.line("total_net_output_bytes", net.Out)
	t.linef("instantaneous_input_kbps", "%.2f", rates.in/1024)
	t.linef("instantaneous_output_kbps", "%.2f", rates.out/1024)
	t.line("total_net_repl_input_bytes", net.replicaIn)
	t.line("total_net_repl_output_bytes", net.replicaOut)
	t.linef("instantaneous_input_repl_kbps", "%.2f", rates.replicaIn/1024)
	t.linef("instantaneous_output_repl_kbps", "%.2f", rates.replicaOut/1024)
}

// infoEvents counts what has happened to connections, replicas, keys and those who listen.
func infoEvents(t *infoText, r *infoReport) {
	s, st := r.s, &r.store
	t.line("rejected_connections", s.stats.rejected.Load())
	t.line("sync_full", s.replicas.fulls.Load())
	t.line("sync_partial_ok", s.replicas.partials.Load())
	t.line("sync_partial_err", s.replicas.refused.Load())
	t.line("expired_subkeys", st.ExpiredFields)
	t.line("expired_keys", st.Expired)
	t.linef("expired_stale_perc", "%.2f", 0.0)  // no deadline is left to chance,
	t.line("expired_time_cap_reached_count", 0) // nor is the sweeper's time capped
	t.line("expire_cycle_cpu_milliseconds", s.sweeping.Load()/int64(time.Millisecond))
	t.line("evicted_keys", st.EvictedKeys)
	t.line("evicted_clients", s.stats.evictedClients.Load())
	exceeded, now := s.bounds.watch.times(r.now) // seen once a second
	t.line("total_eviction_exceeded_time", exceeded.Milliseconds())
	t.line("current_eviction_exceeded_time", now.Milliseconds())
	t.line("keyspace_hits", st.Hits)
	t.line("keyspace_misses", st.Misses)
	channels, patterns, shards := s.pubsub.counts()
	t.line("pubsub_channels", channels)
	t.line("pubsub_patterns", patterns)
	t.line("pubsubshard_channels", shards)
	keys, items, prefixes := s.tracking.counts()
	t.line("tracking_total_keys", keys)
	t.line("tracking_total_items", items)
	t.line("tracking_total_prefixes", prefixes)
}

// infoHousekeeping counts MIGRATE's connections, and forks and defragmentation, which nobody does here.
func infoHousekeeping(t *infoText, s *Server) {
	t.line("latest_fork_usec", 0)
	t.line("total_forks", 0)
	t.line("migrate_cached_sockets", s.targets.count())
	t.line("slave_expires_tracked_keys", 0)
	t.line("active_defrag_hits", 0)
	t.line("active_defrag_misses", 0)
	t.line("active_defrag_key_hits", 0)
	t.line("active_defrag_key_misses", 0)
	t.line("total_active_defrag_time", 0)
	t.line("current_active_defrag_time", 0)
}

func infoErrors(t *infoText, s *Server) {
	t.line("total_error_replies", s.stats.errors.total.Load())
	t.line("unexpected_error_replies", 0)
	for reason := acl.DeniedCommand; reason < acl.DenialReasons; reason++ {
		t.line("acl_access_denied_"+acl.DenialWords[reason].Info, s.acl.Denials.Counts[reason].Load())
	}
}

func infoReplication(t *infoText, r *infoReport) {
	l := r.s.follow.of.Load()
	if l == nil {
		t.line("role", "master")
	} else {
		l.info(t)
	}
	r.s.replicas.info(t)
	t.line("master_failover_state", "no-failover")
	r.s.follow.info(t, l)
	r.s.replicas.infoBacklog(t)
}

func infoCPU(t *infoText, _ *infoReport) {
	system, user := machine.CPUTime()
	t.linef("used_cpu_sys", "%.6f", system.Seconds())
	t.linef("used_cpu_user", "%.6f", user.Seconds())
	t.linef("used_cpu_sys_children", "%.6f", 0.0)
	t.linef("used_cpu_user_children", "%.6f", 0.0)
}

// infoDiskette is what Redis has no words for: the hot set, the database file, the journal.
func infoDiskette(t *infoText, r *infoReport) {
	st := &r.store
	t.line("hot_bytes", st.HotBytes)
	t.line("hot_objects", st.HotObjects)
	t.line("hot_limit", r.s.store.MaxMemory()) // what buffers, order_bytes and packing_bytes leave of maxmemory
	t.line("filter_bytes", st.FilterBytes)
	t.line("order_bytes", st.OrderBytes)
	t.line("packing_bytes", st.PackingBytes)
	t.line("loads", st.Loads)
	t.line("load_usec", st.LoadNanos/1000)
	t.line("unloaded", st.Unloaded)
	t.line("database_bytes", st.DatabaseBytes)
	t.line("wal_bytes", st.WALBytes)
	t.line("wal_limit", r.s.cfg.Int("wal-limit"))
	t.linef("wal_held_by_reader_seconds", "%.3f", float64(r.s.store.WALHeldMillis())/1000)
	t.line("free_bytes", st.FreeBytes)
	t.line("journal_bytes", st.Journal.Bytes)
	t.line("journal_segments", st.Journal.Segments)
	t.line("journal_records", st.Journal.Records)
	t.line("journal_commits", st.Journal.Batches)
	t.line("journal_bytes_written", st.Journal.BytesWritten)
	t.line("journal_failures", st.Journal.Failures)
	t.line("fsyncs", st.Journal.Fsyncs)
	t.line("fsync_usec", st.Journal.FsyncNanos/1000)
	t.line("delayed_fsyncs", st.Journal.DelayedFsyncs)
	t.linef("last_fsync_time", "%.3f", float64(st.Journal.LastFsyncUnixMs)/1000) // 0 = none since the start
	t.line("unapplied_records", st.Unapplied)
	t.line("backlog_bytes", st.BacklogBytes)
	t.line("write_backs", st.WriteBacks)
	t.line("write_back_rows", st.WriteBackRows)
	t.line("write_back_usec", st.WriteBackNanos/1000)
	t.line("write_back_failures", st.WriteBackFailures)
	t.line("rows_set_aside", st.RowsSetAside)
	t.line("reaped_rows", st.ReapedRows)
	t.line("indexed_keys", st.IndexedKeys)
	t.line("vacuumed_pages", st.VacuumedPages)
	t.line("stranger_disconnections", r.s.limits.Strangers.Closed.Load())
	t.line("delayed_auth_failures", r.s.authDelays.count.Load())
	t.line("disk_full", zeroOne(st.ReserveGone))
}

func infoKeyspace(t *infoText, r *infoReport) {
	for db, d := range r.databases {
		if d.Keys > 0 {
			t.linef(fmt.Sprintf("db%d", db), "keys=%d,expires=%d,avg_ttl=%d", d.Keys, d.Expiring, d.TTLMillis)
		}
	}
}
