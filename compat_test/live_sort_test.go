package compat_test

func init() {
	randomFamilies["sort"] = randomFamily{
		templates: `
RPUSH K E E E
RPUSH K U U
SADD K E E
SADD K U
ZADD K I E
ZADD K 1 E 2 E 3 E
HSET H f E g U
SET W E
SET W U
SET K E
DEL K
DEL W
SREM K E
LPOP K
RENAME K K
TYPE K
LRANGE K 0 -1
SORT K
SORT K DESC
SORT K LIMIT N N
SORT K ALPHA
SORT K ALPHA DESC LIMIT N N
SORT K BY B
SORT K BY B DESC
SORT K BY B LIMIT N N GET #
SORT K BY B GET P GET # GET P
SORT K GET P
SORT K GET P ALPHA
SORT K DESC GET P LIMIT N N
SORT K STORE K
SORT K ALPHA STORE K
SORT K BY B STORE K
SORT K BY B DESC LIMIT N N STORE K
SORT K GET P GET # STORE K
SORT K BY B BY nosort STORE K
SORT K BY nosort STORE K DESC
SORT K BY nosort STORE K LIMIT N N
SORT_RO K ALPHA LIMIT N N
SORT_RO K BY B GET P
SORT_RO K STORE K
SORT_RO K DESC
SORT K BY
SORT K GET
SORT K STORE
SORT K LIMIT 1
SORT K LIMIT x 1
SORT K LIMIT 1 x
SORT K FOO
SORT K ASC ALPHA ASC
MULTI
EXEC
SORT l BY C
SORT l BY C DESC LIMIT N N
SORT z BY C
SORT z BY C DESC LIMIT N N
SORT z BY C GET P LIMIT N N
RPUSH l E U
ZADD z I E
DEL l
DEL z
`,
		words: map[string][]string{
			"K": {"a", "b", "c", "d"},
			"E": {"1", "2", "3", "10", "-5", "007", "1.5", "1e3", "0x10", "inf", "-inf"},
			"U": {"x", "", " 2", "2 ", "nan", "-0", "5\x00z", "4"},
			"W": {"w_1", "w_2", "w_3", "w_10", "w_-5", "w_x", "w_1.5", "w_", "h_1"},
			"H": {"h_1", "h_2", "h_3", "h_10", "w_4", "h_x"},
			"P": {"w_*", "h_*->f", "h_*->g", "h_*->", "w_1", "*", "#", "w_*->f", "h_*->none", "nothing*"},
			"B": {"w_*", "h_*->f", "h_*->g", "h_*->", "*", "w_*->f", "h_*->none", "nothing*"},
			"C": {"nosort", "#", "w_1", "", "h->f"},
			"I": {"1", "2", "3.5", "-1", "inf"},
			"N": {"0", "1", "2", "5", "-1", "-3", "100", "9223372036854775807", "-9223372036854775808", "x"},
		},
	}
}
