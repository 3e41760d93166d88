package atlassian

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestParseCredentials(t *testing.T) {
	for rule, c := range map[string]struct {
		secret string
		auth   Auth
		want   Credentials
		fails  bool
	}{
		"email and token":                    {`{"email":"me@example.com","token":"s3cret"}`, Basic, Credentials{Email: "me@example.com", Token: "s3cret"}, false},
		"bearer needs no email":              {`{"token":"s3cret"}`, Bearer, Credentials{Token: "s3cret"}, false},
		"basic does":                         {`{"token":"s3cret"}`, Basic, Credentials{}, true},
		"pasted line ends are dropped":       {`{"email":" me@example.com\n","token":"s3cret\r\n"}`, Basic, Credentials{Email: "me@example.com", Token: "s3cret"}, false},
		"what no header can hold is invalid": {`{"token":"s3\ncret"}`, Bearer, Credentials{}, true},
		"a token is needed":                  {`{"email":"s3cret"}`, Basic, Credentials{}, true},
		"text that is no JSON":               {`s3cret`, Bearer, Credentials{}, true},
	} {
		t.Run(rule, func(t *testing.T) {
			got, err := ParseCredentials(c.secret, c.auth)
			if got != c.want || (err != nil) != c.fails || err != nil && strings.Contains(err.Error(), "s3") {
				t.Errorf("got %v, %v", got == c.want, err)
			}
		})
	}
}

func TestASecretNeverShows(t *testing.T) {
	c := Credentials{Email: "me@example.com", Token: "s3cret"}
	encoded, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "token", c.Token, "credentials", c)
	shown := fmt.Sprintf("%v %+v %#v %s %q", c, c, c, c.Token, c.Token) + string(encoded) + log.String()
	if strings.Contains(shown, "s3cret") {
		t.Error(shown)
	}
}
