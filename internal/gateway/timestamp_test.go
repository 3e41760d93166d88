package gateway

import (
	"encoding/json"
	"testing"
	"time"
)

func TestATimestampIsUTCWithSixDigits(t *testing.T) {
	cest := time.FixedZone("CEST", 2*60*60)
	for rule, c := range map[string]struct {
		at   time.Time
		want string
	}{
		"whole seconds have their zeros":  {time.Date(2026, 4, 27, 10, 21, 32, 0, time.UTC), `"2026-04-27T10:21:32.000000Z"`},
		"other zones are converted":       {time.Date(2026, 4, 27, 1, 0, 0, 123456000, cest), `"2026-04-26T23:00:00.123456Z"`},
		"a seventh digit is cut, not up":  {time.Date(2026, 4, 27, 10, 0, 0, 999999999, time.UTC), `"2026-04-27T10:00:00.999999Z"`},
		"the zero time is written as any": {time.Time{}, `"0001-01-01T00:00:00.000000Z"`},
	} {
		if got, err := json.Marshal(Timestamp(c.at)); err != nil || string(got) != c.want {
			t.Errorf("%s: got %s, %v, want %s", rule, got, err, c.want)
		}
	}
}
