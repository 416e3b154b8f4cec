package config

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"diskette/store"
)

// What bounds the data on disk: maxdisk, maxdisk-free and maxmemory-policy for all, maxdisk-db and maxmemory-policy-db
// for databases. The last two are lines of a database's number and a value, one or several a line, and so is what
// CONFIG SET takes. Databases that are not named keep what they have, as the classes of client-output-buffer-limit do;
// a size of 0, the policy default, and no words at all take it away.
//
//	maxdisk-db 3 500mb                     CONFIG SET maxdisk-db "3 500mb 5 1gb"
//	maxmemory-policy-db 3 allkeys-lru      CONFIG SET maxmemory-policy-db "3 default"

// policyNames are the words of maxmemory-policy: Redis's in its order, and those of least recently stored and modified.
var policyNames = []string{"volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl", "volatile-lrs", "volatile-lrm",
	"allkeys-lru", "allkeys-lfu", "allkeys-random", "allkeys-lrs", "allkeys-lrm", "noeviction"}

// asServer is the word of maxmemory-policy-db for a database that has no policy of its own.
const asServer = "default"

var (
	errDatabasePairs   = errors.New("argument must be pairs of a database's number and its value")
	errDatabaseRange   = errors.New("DB index is out of range")
	errMaxDiskPercent  = errors.New("the size of the file system is not known here: give a number of bytes")
	errMaxDiskFreeMost = errors.New("argument is as large as the whole file system: nothing could be stored")
)

// maxDisk is a size, or n% of the file system kept as -n; 0 = the default.
var maxDisk = oneWord(func(word string) (setting, error) {
	value, err := memoryOrPercent.parse([]string{word}, "")
	if err == nil && value.number > 0 && value.number < store.SmallestDisk {
		err = fmt.Errorf("argument must be at least %d bytes (%d mb): the database and its journal need as much to work with",
			store.SmallestDisk, store.SmallestDisk>>20)
	}
	return value, err
})

// A databaseValue is what one database was given.
type databaseValue struct {
	db    int
	value string // as it is shown
}

// databaseValues are pairs of a database and a value; read gives the value as it is shown, "" = none any more.
func databaseValues(read func(word string) (string, error)) valueKind {
	return valueKind{many: true, merges: true, parse: func(words []string, old string) (setting, error) {
		if len(words) == 0 {
			return setting{}, nil
		}
		values := map[int]string{}
		for _, v := range parseDatabaseValues(old) {
			values[v.db] = v.value
		}
		if len(words)%2 != 0 {
			return setting{}, errDatabasePairs
		}
		for ; len(words) > 0; words = words[2:] {
			db, err := parseDecimal(words[0])
			if err != nil || db < 0 || db > 1<<30 {
				return setting{}, errDatabaseRange
			}
			value, err := read(strings.ToLower(words[1]))
			if err != nil {
				return setting{}, err
			}
			values[int(db)] = value
		}
		var shown []string
		for _, db := range slices.Sorted(maps.Keys(values)) {
			if values[db] != "" {
				shown = append(shown, strconv.Itoa(db), values[db])
			}
		}
		return setting{text: strings.Join(shown, " ")}, nil
	}}
}

// parseDatabaseValues reads what databaseValues shows.
func parseDatabaseValues(text string) (values []databaseValue) {
	words := strings.Fields(text)
	for ; len(words) > 1; words = words[2:] {
		db, _ := strconv.Atoi(words[0])
		values = append(values, databaseValue{db, words[1]})
	}
	return values
}

var databaseSizes = databaseValues(func(word string) (string, error) {
	n, err := ParseMemory(word)
	if err != nil || n == 0 {
		return "", err
	}
	return strconv.FormatInt(n, 10), nil
})

var databasePolicies = databaseValues(func(word string) (string, error) {
	if word == asServer {
		return "", nil
	}
	if !slices.Contains(policyNames, word) {
		return "", errConfigNotOneOf(append(slices.Clone(policyNames), asServer))
	}
	return word, nil
})

// A FileSystem is what DiskBounds has to know of the data directory's. All are bytes.
type FileSystem struct {
	Total int64 // -1 = not known
	Room  int64 // free at the start, and what the data took then; <= 0 = not known
}

// defaultDisk is maxdisk where an evicting policy is set and no maxdisk: so many times maxmemory, and at most so much
// of what the file system had for the data at the start.
const (
	defaultDiskTimes   = 10
	defaultDiskPercent = 80
)

// DiskBounds are the bounds that the settings make on a file system. The error names the parameter that is to blame.
func (c *Config) DiskBounds(fs FileSystem) (*store.Bounds, error) {
	b := &store.Bounds{Policy: policyOf(c.Text("maxmemory-policy")), Databases: map[int]store.DatabaseBound{}}
	var err error
	if b.Disk, err = ofFileSystem(c.Int("maxdisk"), fs.Total); err != nil {
		return nil, &BoundError{"maxdisk", err}
	}
	if b.Disk > 0 {
		b.Disk = max(b.Disk, store.SmallestDisk) // a percentage may be less
	} else if b.Policy != store.NoEviction {
		b.Disk, b.Assumed = c.defaultDisk(fs), true
	}
	if b.Free, err = ofFileSystem(c.Int("maxdisk-free"), fs.Total); err == nil && fs.Total > 0 && b.Free >= fs.Total {
		err = errMaxDiskFreeMost
	}
	if err != nil {
		return nil, &BoundError{"maxdisk-free", err}
	}
	if err := c.checkDatabases(); err != nil {
		return nil, err
	}
	for _, name := range databaseBounds {
		for _, v := range parseDatabaseValues(c.Text(name)) {
			bound := b.Databases[v.db]
			if name == "maxdisk-db" {
				bound.Disk, _ = strconv.ParseInt(v.value, 10, 64)
			} else {
				bound.Policy, bound.HasPolicy = policyOf(v.value), true
			}
			b.Databases[v.db] = bound
		}
	}
	return b, nil
}

// databaseBounds are the parameters that bound single databases.
var databaseBounds = []string{"maxdisk-db", "maxmemory-policy-db"}

// checkDatabases refuses a bound of a database that is not there.
func (c *Config) checkDatabases() error {
	for _, name := range databaseBounds {
		for _, v := range parseDatabaseValues(c.Text(name)) {
			if v.db >= c.Databases {
				return &BoundError{name, fmt.Errorf("%w: there are %d databases, from 0 to %d", errDatabaseRange, c.Databases, c.Databases-1)}
			}
		}
	}
	return nil
}

// A BoundError says which parameter makes no bound here, and why.
type BoundError struct {
	Parameter string
	Reason    error
}

func (e *BoundError) Error() string { return e.Parameter + ": " + e.Reason.Error() }

// Unwrap is the reason.
func (e *BoundError) Unwrap() error { return e.Reason }

func (c *Config) defaultDisk(fs FileSystem) int64 {
	disk := c.MaxMemory.Load() * defaultDiskTimes
	if fs.Room > 0 {
		disk = min(disk, fs.Room/100*defaultDiskPercent)
	}
	return max(disk, store.SmallestDisk)
}

// ofFileSystem is a size, of which a negative one is per cent of a file system's.
func ofFileSystem(size, total int64) (int64, error) {
	if size >= 0 {
		return size, nil
	}
	if total <= 0 {
		return 0, errMaxDiskPercent
	}
	return cmp.Or(total/100*-size, 1), nil
}

// policyOf is the policy of a word that a kind has accepted.
func policyOf(word string) store.Policy {
	p, known := store.ParsePolicy(word)
	if !known {
		panic("no policy " + word)
	}
	return p
}

// HasPolicy reports whether the server or one of its databases has a policy whose name ends so: "-lfu".
func (c *Config) HasPolicy(ending string) bool {
	return strings.HasSuffix(c.Text("maxmemory-policy"), ending) ||
		slices.ContainsFunc(parseDatabaseValues(c.Text("maxmemory-policy-db")), func(v databaseValue) bool {
			return strings.HasSuffix(v.value, ending)
		})
}
