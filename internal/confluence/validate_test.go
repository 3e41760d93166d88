package confluence

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestSpaceKeys(t *testing.T) {
	for key, want := range map[string]bool{
		"OPS": true, "ops2": true, "my-alias_1": true, "~5b10ac8d82e05b22cc7d4ef5": true, "~557058:0867a421-a9ee": true, "~me@example.com": true, "~jürgen": true,
		"": false, "~": false, "A B": false, "A,B": false, "A/B": false, "A?": false, "A%2F": false, "Ü": false, "~a,b": false, "~a/b": false, "~\xff": false, "~a b": false, "A~": false,
		strings.Repeat("A", 255): true, "~" + strings.Repeat("ü", 254): true, strings.Repeat("A", 256): false,
	} {
		if got := isSpaceKey(key); got != want {
			t.Errorf("%q: %v", key, got)
		}
	}
}

func FuzzSpaceKey(f *testing.F) {
	f.Add("~557058:a")
	f.Add("A/../B")
	f.Fuzz(func(t *testing.T, key string) {
		if !isSpaceKey(key) {
			return
		}
		if !utf8.ValidString(key) || strings.ContainsAny(key, ",;/?#%&=\"\\<> \t\r\n\x00") {
			t.Errorf("%q is a key", key)
		}
	})
}

func TestSpaceIDsAreRememberedForTenMinutes(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	ids := newSpaceIDs(func() time.Time { return now })
	ids.set("A", "1")
	for _, c := range []struct {
		after time.Duration
		want  bool
	}{{0, true}, {10*time.Minute - 1, true}, {10 * time.Minute, false}, {-time.Second, false}} {
		now = time.Unix(1_800_000_000, 0).Add(c.after)
		if id, known := ids.get("A"); known != c.want || known && id != "1" {
			t.Errorf("after %v: %q, %v", c.after, id, known)
		}
	}
	if _, known := ids.get("B"); known {
		t.Error("a key that was never found is known")
	}
}

func TestSpaceIDsAreBounded(t *testing.T) {
	ids := newSpaceIDs(time.Now)
	for i := range 10 * maxSpaceIDs {
		ids.set(fmt.Sprint(i), "1")
		if _, known := ids.get(fmt.Sprint(i)); !known || len(ids.known) > maxSpaceIDs {
			t.Fatalf("%d: known %v, %d remembered", i, known, len(ids.known))
		}
	}
}
