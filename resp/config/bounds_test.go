package config

import (
	"strings"
	"testing"

	"diskette/store"
)

const gb = 1 << 30

// roomy is a file system of 100 GB, half of it free.
var roomy = FileSystem{Total: 100 * gb, Room: 50 * gb}

func boundsOf(t *testing.T, c *Config, fs FileSystem) *store.Bounds {
	t.Helper()
	b, err := c.DiskBounds(fs)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestWithoutMaxdiskAndWithNoevictionThereIsNoBound(t *testing.T) {
	b := boundsOf(t, startedWith(t), roomy)
	if b.Disk != 0 || b.Free != 0 || b.Policy != store.NoEviction || len(b.Databases) != 0 {
		t.Errorf("got %+v", b)
	}
	if b := boundsOf(t, startedWith(t, "--maxmemory", "100mb"), roomy); b.Disk != 0 {
		t.Errorf("maxmemory alone bounds the disk: %+v", b)
	}
}

func TestAnEvictingPolicyAloneGivesTenTimesMaxmemory(t *testing.T) {
	for _, policy := range policyNames {
		if policy == "noeviction" {
			continue
		}
		c := startedWith(t, "--maxmemory", "64mb", "--maxmemory-policy", policy)
		if b := boundsOf(t, c, roomy); b.Disk != 640<<20 || b.Policy.String() != policy {
			t.Errorf("%s: %+v", policy, b)
		}
		if b := boundsOf(t, c, FileSystem{Total: gb, Room: 500 << 20}); b.Disk != (500<<20)/100*80 {
			t.Errorf("%s: %d bytes of a file system that has 500 MB for the data", policy, b.Disk)
		}
		if b := boundsOf(t, c, FileSystem{-1, -1}); b.Disk != 640<<20 {
			t.Errorf("%s: %d bytes of a file system of which nothing is known", policy, b.Disk)
		}
	}
	if b := boundsOf(t, startedWith(t, "--maxmemory", "100kb", "--maxmemory-policy", "allkeys-lru"), roomy); b.Disk != store.SmallestDisk {
		t.Errorf("a small maxmemory gives less than can be served: %d", b.Disk)
	}
	c := startedWith(t, "--maxmemory-policy", "volatile-ttl")
	if b := boundsOf(t, c, FileSystem{-1, -1}); b.Disk != 10*c.MaxMemory.Load() {
		t.Errorf("without a maxmemory %d bytes, ten times %d", b.Disk, c.MaxMemory.Load())
	}
}

func TestMaxdiskIsBytesOrPerCentOfTheFileSystem(t *testing.T) {
	for value, want := range map[string]int64{"8mb": 8 << 20, "2gb": 2 * gb, "20%": 20 * gb, "100%": 100 * gb, "0": 0, "0%": 0} {
		c := startedWith(t, "--maxdisk", value)
		if b := boundsOf(t, c, roomy); b.Disk != want {
			t.Errorf("maxdisk %s: %d, want %d", value, b.Disk, want)
		}
	}
	if b := boundsOf(t, startedWith(t, "--maxdisk", "1%"), FileSystem{64 << 20, 60 << 20}); b.Disk != store.SmallestDisk {
		t.Errorf("one per cent of 64 MB: %d", b.Disk)
	}
	if b := boundsOf(t, startedWith(t, "--maxdisk-free", "10%"), roomy); b.Free != 10*gb {
		t.Errorf("maxdisk-free 10%%: %d", b.Free)
	}
	if b := boundsOf(t, startedWith(t, "--maxdisk-free", "1gb"), roomy); b.Free != gb {
		t.Errorf("maxdisk-free 1gb: %d", b.Free)
	}
}

func TestBoundsOfDatabases(t *testing.T) {
	c := startedWith(t, confFile(t, "maxdisk-db 3 500mb", "maxdisk-db 5 1gb", "maxmemory-policy-db 3 ALLKEYS-LRU 7 volatile-ttl"),
		"--maxdisk-db", "4", "1mb", "--maxmemory-policy", "noeviction")
	if got := shownValue(t, c, "maxdisk-db"); got != "3 524288000 4 1048576 5 1073741824" {
		t.Errorf("maxdisk-db is %q", got)
	}
	if got := shownValue(t, c, "maxmemory-policy-db"); got != "3 allkeys-lru 7 volatile-ttl" {
		t.Errorf("maxmemory-policy-db is %q", got)
	}
	b := boundsOf(t, c, roomy)
	want := map[int]store.DatabaseBound{3: {Disk: 500 << 20, Policy: store.AllKeysLRU, HasPolicy: true}, 4: {Disk: 1 << 20},
		5: {Disk: gb}, 7: {Policy: store.VolatileTTL, HasPolicy: true}}
	if len(b.Databases) != len(want) {
		t.Errorf("got %+v", b.Databases)
	}
	for db, bound := range want {
		if b.Databases[db] != bound {
			t.Errorf("database %d: %+v, want %+v", db, b.Databases[db], bound)
		}
	}
	if b.Disk != 0 || b.Policy != store.NoEviction {
		t.Errorf("a database's bound is the server's: %+v", b)
	}
	for _, step := range []struct{ set, sizes string }{
		// The others stay, as client-output-buffer-limit's classes do.
		{"3 400mb", "3 419430400 4 1048576 5 1073741824"},
		{"4 0", "3 419430400 5 1073741824"},
		{"5 0 6 10mb", "3 419430400 6 10485760"},
		{"", ""},
	} {
		if err := c.Set([][2]string{{"maxdisk-db", step.set}}); err != nil {
			t.Fatal(err)
		}
		if got := shownValue(t, c, "maxdisk-db"); got != step.sizes {
			t.Errorf("after %q it is %q, want %q", step.set, got, step.sizes)
		}
	}
	if err := c.Set([][2]string{{"maxmemory-policy-db", "3 default"}}); err != nil || shownValue(t, c, "maxmemory-policy-db") != "7 volatile-ttl" {
		t.Errorf("%v, %q", err, shownValue(t, c, "maxmemory-policy-db"))
	}
}

func TestBadBoundsAreRefused(t *testing.T) {
	const notPolicy = "argument(s) must be one of the following: volatile-lru, volatile-lfu, volatile-random, volatile-ttl, " +
		"volatile-lrs, volatile-lrm, allkeys-lru, allkeys-lfu, allkeys-random, allkeys-lrs, allkeys-lrm, noeviction"
	c := startedWith(t)
	for _, name := range []string{"maxdisk", "maxdisk-free", "maxdisk-db", "maxmemory-policy-db"} {
		c.OnChange(name, func(string) error {
			_, err := c.DiskBounds(roomy)
			if err != nil {
				err = err.(*BoundError).Reason
			}
			return err
		})
	}
	for _, test := range []struct{ name, value, reason string }{
		{"maxdisk", "x", "argument must be a memory or percent value"},
		{"maxdisk", "-1", "argument must be a memory or percent value"},
		{"maxdisk", "101%", "percentage argument must be less or equal to 100"},
		{"maxdisk", "8388607", "argument must be at least 8388608 bytes (8 mb): the database and its journal need as much to work with"},
		{"maxdisk-free", "1 gb", "argument must be a memory or percent value"},
		{"maxdisk-free", "100%", "argument is as large as the whole file system: nothing could be stored"},
		{"maxdisk-free", "100gb", "argument is as large as the whole file system: nothing could be stored"},
		{"maxmemory-policy", "lru", notPolicy},
		{"maxdisk-db", "3", "argument must be pairs of a database's number and its value"},
		{"maxdisk-db", "3 x", "argument must be a memory value"},
		{"maxdisk-db", "x 3mb", "DB index is out of range"},
		{"maxdisk-db", "-1 3mb", "DB index is out of range"},
		{"maxdisk-db", "16 3mb", "DB index is out of range: there are 16 databases, from 0 to 15"},
		{"maxdisk-db", "3  3mb", "argument must be pairs of a database's number and its value"},
		{"maxmemory-policy-db", "3 lru", notPolicy + ", default"},
		{"maxmemory-policy-db", "99 noeviction", "DB index is out of range: there are 16 databases, from 0 to 15"},
	} {
		err := c.Set([][2]string{{"maxmemory-samples", "9"}, {test.name, test.value}})
		if want := "ERR CONFIG SET failed (possibly related to argument '" + test.name + "') - " + test.reason; err == nil || err.Error() != want {
			t.Errorf("%s %q: %v\nwant %s", test.name, test.value, err, want)
		}
		if shownValue(t, c, "maxmemory-samples") != "5" {
			t.Fatal("a part of a refused CONFIG SET counts")
		}
	}
	if _, _, err := loadConfig([]string{"--maxdisk", "1mb"}, dataTable(), strings.NewReader("")); err == nil ||
		!strings.Contains(err.Error(), "at least 8388608 bytes") {
		t.Errorf("the start takes a maxdisk of 1 MB: %v", err)
	}
	if _, err := startedWith(t, "--maxdisk", "10%").DiskBounds(FileSystem{-1, -1}); err == nil ||
		err.Error() != "maxdisk: the size of the file system is not known here: give a number of bytes" {
		t.Errorf("per cent of an unknown size: %v", err)
	}
	if _, _, err := loadConfig([]string{"--databases", "4", "--maxmemory-policy-db", "4", "noeviction"}, dataTable(),
		strings.NewReader("")); err == nil ||
		err.Error() != "*** FATAL CONFIG FILE ERROR ***\nmaxmemory-policy-db: DB index is out of range: there are 4 databases, from 0 to 3" {
		t.Errorf("a database that is not there: %v", err)
	}
}

func TestRewriteKeepsBoundsOfDatabases(t *testing.T) {
	others := confFile(t, "maxdisk-db 9 900mb")
	file := confFile(t, "include "+others, "maxdisk-db 3 500mb", "# between", "maxdisk-db 5 1gb", "maxmemory-policy-db 3 allkeys-lru", "maxdisk 20%")
	c := startedWith(t, file)
	check := func(sizes string) {
		t.Helper()
		if err := c.Rewrite(); err != nil {
			t.Fatal(err)
		}
		assertSameSettings(t, c, startedWith(t, file))
		if got := shownValue(t, startedWith(t, file), "maxdisk-db"); got != sizes {
			t.Errorf("maxdisk-db is %q, want %q; the file:\n%s", got, sizes, readText(t, file))
		}
	}
	before := readText(t, file)
	if check("3 524288000 5 1073741824 9 943718400"); readText(t, file) != before {
		t.Errorf("lines that say it already are changed:\n%s", readText(t, file))
	}
	for _, step := range []struct{ set, sizes string }{
		{"5 2gb", "3 524288000 5 2147483648 9 943718400"},
		{"9 0", "3 524288000 5 2147483648"}, // an included file says otherwise
		{"", ""},
		{"1 1mb", "1 1048576"},
	} {
		if err := c.Set([][2]string{{"maxdisk-db", step.set}, {"maxmemory-policy-db", ""}}); err != nil {
			t.Fatal(err)
		}
		check(step.sizes)
	}
}
