package resp

import (
	"context"
	"io"

	"diskette/resp/config"
	"diskette/resp/moveout"
	"diskette/resp/rdb"
)

// An rdbRequest says what is special of an RDB file; the configuration says the rest.
type rdbRequest struct {
	version int // 0 = export-rdb-version
	left    rdbLeft
	// atMoment, which may be nil, is called under the keyspace lock at the moment that the file stands for.
	atMoment func()
	// facts, which may be nil, are asked for after that: what the file says of itself, such as repl-id.
	facts    func() []moveout.Fact
	progress func(moveout.Progress) // may be nil
}

// rdbLeft is what is left out of an RDB file.
type rdbLeft struct{ keys, libraries bool }

// writeRDB writes all data as an RDB file, as it is at one moment, while commands go on. It needs no lock, and returns
// with the cause of ctx when that ends.
func (s *Server) writeRDB(ctx context.Context, out io.Writer, request rdbRequest) (moveout.Result, error) {
	snapshot, err := s.store.Snapshot(request.atMoment)
	if err != nil {
		return moveout.Result{}, err
	}
	o := s.DumpOptions()
	if request.version != 0 {
		o.File.Version = request.version
	}
	o.NoKeys, o.NoLibraries = request.left.keys, request.left.libraries
	if request.facts != nil {
		o.Facts = request.facts()
	}
	o.Progress = request.progress
	result, err := moveout.Write(ctx, out, snapshot, o)
	if closed := snapshot.Close(); err == nil {
		err = closed
	}
	return result, err
}

// DumpOptions are how the configuration wants an RDB file.
func (s *Server) DumpOptions() moveout.Options {
	return moveout.Options{File: fileOptions(s.cfg), Redis: RedisVersion, Program: Version, Libraries: librariesKey,
		UsedBytes: s.usedBytes()}
}

// usedBytes is what the file says of the memory that the data takes.
func (s *Server) usedBytes() int64 {
	if s.store == nil {
		return 0
	}
	figures, err := s.store.Stats(false)
	if err != nil {
		return 0 // a long command is midway
	}
	return figures.HotBytes
}

func fileOptions(cfg *config.Config) rdb.FileWriterOptions {
	size := func(name string) int { return int(min(cfg.Int(name), 1<<30)) }
	return rdb.FileWriterOptions{
		Version:    int(cfg.Int("export-rdb-version")),
		Compress:   cfg.Bool("rdbcompression"),
		NoChecksum: !cfg.Bool("rdbchecksum"),
		Packing: &rdb.Packing{
			HashEntries: size("hash-max-listpack-entries"), HashValue: size("hash-max-listpack-value"),
			ZSetEntries: size("zset-max-listpack-entries"), ZSetValue: size("zset-max-listpack-value"),
			SetEntries: size("set-max-listpack-entries"), SetValue: size("set-max-listpack-value"),
			IntsetEntries:   size("set-max-intset-entries"),
			ListNode:        size("list-max-listpack-size"),
			StreamNodeBytes: size("stream-node-max-bytes"), StreamNodeEntries: size("stream-node-max-entries"),
		},
	}
}
