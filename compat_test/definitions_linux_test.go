package compat_test

// The definitions were read in the projects' public files in November 2026: what a container engine is told of the
// service, with its variables filled in. A collection's name stands before the project's.

// pong is the health check of many.
var pong = []string{"CMD", "redis-cli", "ping"}

// A password that a shell would split, expand or take for an option if it were not quoted.
const secret = "-s3cr3t $x 'y'"

var incr = []string{"CMD", "redis-cli", "--raw", "incr", "ping"}

const misp = `
  if [ "${ENABLE_REDIS_EMPTY_PASSWORD:-false}" = "true" ]; then
    exec valkey-server
  else
    exec valkey-server --requirepass "${REDIS_PASSWORD:-redispassword}"
  fi
`

const mispHealth = `sh -c '
  if [ "${ENABLE_REDIS_EMPTY_PASSWORD:-false}" = "true" ]; then
    valkey-cli -p ${REDIS_PORT:-6379} ping | grep -q PONG || exit 1
  else
    valkey-cli -a "${REDIS_PASSWORD:-redispassword}" -p ${REDIS_PORT:-6379} ping | grep -q PONG || exit 1
  fi
'`

// officialHealth is docker-library/healthcheck's script for redis.
const officialHealth = `#!/bin/sh
set -eo pipefail
host="$(hostname -i || echo '127.0.0.1')"
if ping="$(redis-cli -h "$host" ping)" && [ "$ping" = 'PONG' ]; then
	exit 0
fi
exit 1
`

var definitions = []definition{
	{project: "mastodon/mastodon", bind: "/data", health: pong},
	{project: "immich-app/immich", health: shell("redis-cli ping || exit 1")},
	{project: "goauthentik/authentik", command: words("--save 60 1 --loglevel warning"),
		health: shell("redis-cli ping | grep PONG")},
	{project: "paperless-ngx/paperless-ngx"},
	{project: "chatwoot/chatwoot", command: []string{"sh", "-c", `redis-server --requirepass "$REDIS_PASSWORD"`},
		env: []string{"REDIS_PASSWORD=" + secret}, password: secret},
	{project: "outline/outline", user: "redis:redis", health: pong},
	{project: "langfuse/langfuse", command: words("--requirepass myredissecret"), health: pong, password: "myredissecret"},
	{project: "directus/directus"},
	{project: "penpot/penpot"},
	{project: "ghostfolio/ghostfolio", user: "999:1000", caps: []int{}, noNew: true,
		env: []string{"REDIS_PASSWORD=" + secret},
		command: []string{"/bin/sh", "-c",
			`redis-server --requirepass "${REDIS_PASSWORD:?REDIS_PASSWORD variable is not set}"`},
		health: shell(`redis-cli --pass "${REDIS_PASSWORD}" ping | grep PONG`), password: secret},
	{project: "netbox-community/netbox-docker", command: words("redis-server --appendonly yes")},
	{project: "searxng/searxng-docker", command: []string{"redis-server", "--save", "", "--appendonly", "no"},
		tmpfs: map[string]string{"/var/lib/redis": ""}, caps: []int{1, 6, 7}},
	{project: "n8n-io/n8n-hosting", health: pong},
	{project: "twentyhq/twenty", command: words("--maxmemory-policy noeviction")},
	{project: "coollabsio/coolify", command: words("redis-server --save 20 1 --loglevel warning --requirepass pw"),
		env: []string{"REDIS_PASSWORD=pw"}, health: shell("redis-cli ping"), password: "pw"},
	{project: "sameersbn/docker-gitlab", command: []string{"--loglevel warning"}},
	{project: "langgenius/dify", command: words("redis-server --requirepass difyai123456"),
		env:  []string{"REDISCLI_AUTH=difyai123456"},
		bind: "/data", health: shell("redis-cli -a difyai123456 ping | grep -q PONG"), password: "difyai123456"},
	{project: "infiniflow/ragflow", health: words("CMD redis-cli -a infini_rag_flow ping"), password: "infini_rag_flow",
		command: words("redis-server --requirepass infini_rag_flow --maxmemory 128mb --maxmemory-policy allkeys-lru")},
	{project: "docmost/docmost"},
	{project: "misskey-dev/misskey", bind: "/data", health: shell("redis-cli ping")},
	{project: "Infisical/infisical", env: []string{"ALLOW_EMPTY_PASSWORD=yes"}},
	{project: "apache/superset"},
	{project: "apache/airflow", health: pong},
	{project: "getsentry/self-hosted", health: shell("redis-cli ping")},
	{project: "nextcloud/docker"},
	{project: "Chocobozzz/PeerTube", bind: "/data"},
	{project: "MISP/misp-docker", command: []string{"sh", "-c", misp},
		env:    []string{"ENABLE_REDIS_EMPTY_PASSWORD=false", "REDIS_PASSWORD=" + secret},
		health: shell(mispHealth), password: secret},
	{project: "firecrawl/firecrawl", command: words("redis-server --bind 0.0.0.0")},
	{project: "OpenCTI-Platform/docker"},
	{project: "frappe/frappe_docker"},
	{project: "saleor/saleor-platform"},
	{project: "makeplane/plane"},
	{project: "wger-project/docker", health: shell("redis-cli ping")},
	{project: "novuhq/novu", health: pong},
	{project: "grafana/oncall"},
	{project: "getlago/lago", command: words("--port 6390"), port: "6390"},
	// CMD expands nothing: the check sends the name of the variable, hears WRONGPASS, and passes.
	{project: "nocodb/nocodb", command: []string{"/bin/sh", "-c", `redis-server --requirepass "${REDIS_PASSWORD}"`},
		bind: "/data",
		env:  []string{"REDIS_PASSWORD=" + secret}, health: words("CMD redis-cli -a ${REDIS_PASSWORD} --raw incr ping"),
		password: secret},

	{project: "coolify: budibase", command: words("redis-server --requirepass pw"),
		health: words("CMD redis-cli -a pw ping"), password: "pw"},
	{project: "coolify: affine", health: incr},
	{project: "coolify: castopod", command: words("--requirepass pw"), health: shell("redis-cli -a pw ping | grep PONG"),
		password: "pw"},
	{project: "coolify: chaskiq", health: pong},
	{project: "coolify: argilla", health: shell("redis-cli -h localhost -p 6379 ping")},
	{project: "coolify: authelia", command: words("redis-server --requirepass pw --save 60 1 --loglevel warning"),
		health: words("CMD redis-cli -a pw ping"), password: "pw"},
	{project: "coolify: cap-captcha",
		command: words("valkey-server --save 60 1 --loglevel warning --maxmemory-policy noeviction"),
		health:  words("CMD valkey-cli ping")},
	{project: "coolify: bigcapital"},
	{project: "coolify: cloudreve", command: words("--requirepass pw"), health: words("CMD redis-cli -a pw ping"),
		password: "pw"},
	{project: "coolify: dawarich", command: words("redis-server"), health: incr},
	{project: "coolify: activepieces"},
	{project: "coolify: chatwoot", command: []string{"sh", "-c", `redis-server --requirepass "pw"`},
		health: words("CMD redis-cli -a pw PING"), password: "pw"},

	{project: "PostHog/posthog", command: words("redis-server --maxmemory-policy allkeys-lru --maxmemory 200mb"),
		health: pong},
	{project: "bram2w/baserow"},
	{project: "baserow/baserow", command: words("redis-server --requirepass pw"), health: pong, password: "pw"},
	// Its own image, with what its configuration says beside Redis's example. Its check is a script for bash.
	{project: "goharbor/harbor", user: "redis", tmpfs: map[string]string{"/var/lib/redis": "uid=999"}, forgets: true,
		command: words("redis-server /etc/redis.conf"),
		files: map[string]string{"/etc/redis.conf": "protected-mode no\nport 6379\nsave 900 1\nsave 300 10\nsave 60 10000\n" +
			"dir /var/lib/redis\nappendonly no\n"}},
	{project: "Dokploy/dokploy"},
	{project: "umbrel: affine", bind: "/data", health: incr},
	{project: "umbrel: activepieces", tmpfs: map[string]string{"/data": "uid=1000,gid=1000"}, user: "1000:1000",
		forgets: true},

	{project: "SStranks/tech-expo", entrypoint: words("/redis-init.sh"), password: "hush",
		files: map[string]string{"/run/secrets/redis_password": "hush\n", "/redis-init.sh": "#!/usr/bin/env sh\nset -e\n\n" +
			"REDIS_PASSWORD=\"$(cat /run/secrets/redis_password)\"\n\n" +
			"exec docker-entrypoint.sh redis-server --save 20 1 --loglevel warning --requirepass \"$REDIS_PASSWORD\"\n"}},
	{project: "a secret, as the issue has it",
		command: []string{"sh", "-c", `exec redis-server --requirepass "$(cat /run/secrets/p)"`},
		files:   map[string]string{"/run/secrets/p": secret + "\n"}, password: secret},
	{project: "a start script", command: words("/start.sh"), password: "hush",
		files: map[string]string{"/run/secrets/redis": "hush",
			"/start.sh": "#!/bin/sh\nSECRET_FILE=\"/run/secrets/${DOCKER_SECRET_REDIS_PASS:?}\"\n" +
				"REDIS_PASS=\"$(cat ${SECRET_FILE})\"\nredis-server --requirepass \"${REDIS_PASS:?}\"\n"},
		env: []string{"DOCKER_SECRET_REDIS_PASS=redis"}},
	{project: "rettoman/redis",
		files: map[string]string{"/data/redis.conf": "appendonly yes\nrequirepass $REDIS_PASSWORD\n"},
		command: []string{"sh", "-c",
			`cp redis.conf /tmp && cd /tmp && ` +
				`sed -i "s/^requirepass.*\$.*$/requirepass $REDIS_PASSWORD/g" redis.conf && redis-server redis.conf`},
		env: []string{"REDIS_PASSWORD=pw"}, password: "pw"},
	{project: "envalue-real-estate/python-logging",
		command: []string{"sh", "-c", "exec redis-server --requirepass $REDIS_PASSWORD"},
		env:     []string{"REDIS_PASSWORD=pw"}, password: "pw"},
	{project: "ardihikaru/eagleeye",
		command: []string{"/bin/sh", "-c", "redis-server --appendonly yes --requirepass ${REDIS_PASSWORD}"},
		env:     []string{"REDIS_PASSWORD=bismillah"}, password: "bismillah"},
	{project: "romaxa83/notes",
		command: []string{"redis-server", "--databases 2", "--save 900 1", "--save 300 10", "--save 60 10000",
			"--requirepass secret"}, health: shell("redis-cli ping"), bind: "/data", password: "secret"},
	{project: "Ailln/scripts", command: words("redis-server --requirepass 123456 --save 60 1 --loglevel warning"),
		bind: "/data", password: "123456"},
	{project: "mceith/oc", user: "999", command: words("redis-server /usr/local/etc/redis/redis.conf"),
		files: map[string]string{"/usr/local/etc/redis/redis.conf": "protected-mode no\nappendonly yes\ndir /data\n"}},
	{project: "xiaotuanyu120/xiaotuanyu120.github.io", command: words("redis-server /usr/local/etc/redis/redis.conf"),
		password: "redispass",
		files: map[string]string{"/usr/local/etc/redis/redis.conf": "bind 0.0.0.0\n" +
			"logfile /var/log/redis/redis_6379.log\ndaemonize no\ndir /data\nrequirepass redispass\n"},
		tmpfs: map[string]string{"/var/log/redis": "mode=1777"}},
	{project: "a conf file of Kubernetes",
		command: []string{"/bin/sh", "-c", "/usr/local/bin/redis-server /usr/local/etc/redis/redis.conf"},
		files:   map[string]string{"/usr/local/etc/redis/redis.conf": "maxmemory 64mb\nmaxmemory-policy allkeys-lru\n"}},
	{project: "docker-library/healthcheck", files: map[string]string{"/usr/local/bin/docker-healthcheck": officialHealth},
		health: []string{"CMD", "docker-healthcheck"}},
	{project: "a check without redis-cli", health: words("CMD nc -z localhost 6379"),
		noRedis: "Debian's nc of busybox has no -z"},
	{project: "a check with a time-out",
		health: shell("timeout 5 sh -c 'printf \"PING\\r\\n\" | nc -w 1 127.0.0.1 6379 | tr -d \"\\r\" | grep -q PONG'")},
	{project: "Polarix-Containers/valkey", user: "3009:3009", readOnly: true, noNew: true, caps: []int{},
		health: shell("valkey-cli ping | grep PONG"),
		tmpfs:  map[string]string{"/data": "uid=3009,gid=3009"}, forgets: true},

	{project: "a cache whose directory belongs to another user", user: "1000", bind: "/data", command: noKeeping},
	{project: "a cache that can write nowhere but in memory", user: "1000", bind: "/data", readOnly: true,
		command: noKeeping, forgets: true},
	{project: "a volume of 16 MB", tmpfs: map[string]string{"/data": "size=16m"}, forgets: true},
	{project: "a volume of 8 MB of another user's", tmpfs: map[string]string{"/data": "size=8m,uid=1000,mode=700"},
		user: "1000", forgets: true},

	{project: "pozetroninc/keydb-modules", command: words("keydb-server /etc/keydb/keydb.conf --loglevel verbose"),
		health: words("CMD keydb-cli ping")},
	{project: "KeyDB with a password", command: words("keydb-server --requirepass unlock"),
		health: words("CMD keydb-cli -h 127.0.0.1 -p 6379 -a unlock ping"), password: "unlock"},
	{project: "KeyDB's threads", command: words("keydb-server --server-threads 2 --requirepass unlock"),
		noRedis: "redis-server knows no server-threads",
		health:  words("CMD keydb-cli -h 127.0.0.1 -p 6379 -a unlock ping"), password: "unlock"},
	{project: "Valkey's extra flags", command: words("valkey-server"),
		env: []string{"VALKEY_EXTRA_FLAGS=--save 60 1 --requirepass pw"}, password: "pw"},
	{project: "Redis Stack's arguments", env: []string{"REDIS_ARGS=--requirepass pw --user bob on >pw2 ~* allcommands"},
		noRedis: "the official image has no REDIS_ARGS", health: pong, password: "pw2", user2: "bob"},

	{project: "bitnami/containers redis 7.4", env: []string{"ALLOW_EMPTY_PASSWORD=yes"}, volume: "/bitnami/redis/data",
		noRedis: bitnamis},
	{project: "bitnami/containers redis 7.2", env: []string{"ALLOW_EMPTY_PASSWORD=yes", "REDIS_PASSWORD=pw"},
		volume:  "/bitnami/redis/data",
		noRedis: bitnamis, password: "pw"},
	{project: "bugjc/docker-template", env: []string{"REDIS_PASSWORD=password123"}, bind: "/bitnami", noRedis: bitnamis,
		password: "password123"},
	{project: "ddanielcruz/scripts", env: []string{"ALLOW_EMPTY_PASSWORD=no", "REDIS_PASSWORD=" + secret},
		volume:  "/bitnami/redis/data",
		noRedis: bitnamis, password: secret},
	{project: "NickSeagull/king-paimon", env: []string{"ALLOW_EMPTY_PASSWORD=yes"}, bind: "/bitnami/valkey/data",
		noRedis: bitnamis,
		health:  words("CMD valkey-cli ping")},
	{project: "Bitnami's own command", command: words("/opt/bitnami/scripts/redis/run.sh --maxmemory 100mb"),
		env: []string{
			"REDIS_PASSWORD_FILE=/run/secrets/pw", "REDIS_PORT_NUMBER=6380", "REDIS_AOF_ENABLED=no",
			"REDIS_EXTRA_FLAGS=--hz 20"},
		files: map[string]string{"/run/secrets/pw": "hush\n"}, port: "6380", noRedis: bitnamis, password: "hush",
		health: shell("/opt/bitnami/redis/bin/redis-cli -p 6380 -a hush ping | grep PONG")},

	// What can not work says so, and ends with status 1.
	{project: "Bitnami without a password", volume: "/bitnami/redis/data", refused: "REDIS_PASSWORD is not set, or empty"},
	{project: "Bitnami's password in a file that is not there", command: words("/opt/bitnami/scripts/redis/run.sh"),
		env: []string{"REDIS_PASSWORD_FILE=/run/secrets/none", "ALLOW_EMPTY_PASSWORD=yes"}, refused: "/run/secrets/none"},
	{project: "a sentinel", command: words("redis-sentinel /etc/sentinel.conf"), refused: "no Sentinel"},
	{project: "a sentinel by its option", command: words("redis-server /etc/sentinel.conf --sentinel"),
		refused: "no Sentinel"},
	{project: "a cluster", command: words("redis-server --cluster-enabled yes"), refused: "cluster"},
	{project: "data that another user may not write", user: "1000", bind: "/data",
		files:   map[string]string{"/data/dump.rdb": "x"},
		command: noKeeping, refused: "uid 1000"},
	{project: "a module", command: words("redis-server --loadmodule /opt/redis-stack/lib/redisearch.so"),
		refused: "module"},
	{project: "a conf file that is not there", command: words("redis-server /etc/redis/redis.conf"),
		refused: "/etc/redis/redis.conf"},
	{project: "a directory that can not be written", user: "1000", bind: "/data", refused: "uid 1000"},
	{project: "an option that nobody knows", command: words("redis-server --requirepas x"), refused: "requirepas"},
}

var noKeeping = []string{"redis-server", "--save", "", "--appendonly", "no"}

const bitnamis = "these are Bitnami's scripts"
