package glob

import (
	"strings"
	"testing"
)

// The expected replies are those of Redis 7.0.15 and 7.4.1 to KEYS, with a key of 3000 times
// "a" and one of 1500 times "ab".
func TestAPatternOfMoreThanAThousandStarsMatchesNothing(t *testing.T) {
	for _, test := range []struct {
		part string
		most int // of them that still match one of the names
	}{
		{"*a", 1000}, {"*?", 1000}, {"**a", 1000}, {"*[a-b]", 1000}, {`*\a`, 1000}, {"*ab", 1000}, {"?*", 1001},
	} {
		matches := func(n int, end string) bool {
			pattern := []byte(strings.Repeat(test.part, n) + end)
			return Match(pattern, []byte(strings.Repeat("a", 3000))) || Match(pattern, []byte(strings.Repeat("ab", 1500)))
		}
		for _, end := range []string{"", "*"} {
			if !matches(test.most, end) || matches(test.most+1, end) || matches(1400, end) {
				t.Errorf("%d times %q with %q: %v, once more: %v, 1400 times: %v", test.most, test.part, end,
					matches(test.most, end), matches(test.most+1, end), matches(1400, end))
			}
		}
	}
}
