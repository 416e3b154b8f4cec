package config

import (
	"fmt"
	"path"
	"strings"
)

// modules are those that are met most: what their files' names hold, and what would be missing.
var modules = []struct{ file, name, missing string }{
	{"rejson", "RedisJSON", "JSON.* commands"},
	{"redisearch", "RediSearch", "FT.* commands, and with them indexes and vector search"},
	{"redisbloom", "RedisBloom", "BF.*, CF.*, CMS.*, TOPK.* and TDIGEST.* commands"},
	{"redistimeseries", "RedisTimeSeries", "TS.* commands"},
	{"redisgears", "RedisGears", "RG.* and TFUNCTION commands"},
	{"redisgraph", "RedisGraph", "GRAPH.* commands"},
	{"rediscompat", "RedisCompat", "commands of older modules"},
	{"redis-cell", "redis-cell", "CL.THROTTLE"},
	{"valkey_bloom", "valkey-bloom", "BF.* commands"},
	{"valkey_ldap", "valkey-ldap", "users of an LDAP server"},
	{"libjson", "valkey-json", "JSON.* commands"},
	{"libsearch", "valkey-search", "FT.* commands, and with them vector search"},
}

// moduleError is why loadmodule ends the start.
func moduleError(file string) error {
	base := strings.ToLower(path.Base(file))
	for _, m := range modules {
		if strings.Contains(base, m.file) {
			return fmt.Errorf("modules are not supported: %s would be missing, which %s provides; without this line the server "+
				"starts, for clients that do not use them", m.missing, m.name)
		}
	}
	return fmt.Errorf("modules are not supported: what %s provides would be missing", path.Base(file))
}

// moduleOptions are what the options of the modules begin with that come with Redis 8.
var moduleOptions = map[string]string{"search-": "RediSearch", "ts-": "RedisTimeSeries", "bf-": "RedisBloom", "cf-": "RedisBloom"}

// moduleOf is the module that an option belongs to, "" = none.
func moduleOf(option string) string {
	for prefix, name := range moduleOptions {
		if strings.HasPrefix(option, prefix) {
			return name
		}
	}
	return ""
}
