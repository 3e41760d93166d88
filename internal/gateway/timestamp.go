package gateway

import "time"

// timestampLayout is RFC 3339 in UTC with six digits of fraction.
const timestampLayout = "2006-01-02T15:04:05.000000Z"

// Timestamp is a time as every answer of the API writes it, such as
// 2026-04-27T10:21:32.000000Z.
type Timestamp time.Time

func (t Timestamp) String() string { return time.Time(t).UTC().Format(timestampLayout) }

func (t Timestamp) MarshalJSON() ([]byte, error) { return []byte(`"` + t.String() + `"`), nil }
