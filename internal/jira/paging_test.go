package jira

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"testing"
)

// longList is a Jira with n issues, whose pages are of random length up to the
// limit, some of them empty, and which ends its list in one of the ways in
// which Jira does.
type longList struct {
	random *rand.Rand
	n      int
	ending string
	empty  map[int]bool // offsets that already had an empty page
}

var endings = []string{"is_last", "no_token", "repeated_token", "is_last_with_token"}

func (l *longList) serve(w http.ResponseWriter, r *http.Request) {
	var body struct {
		MaxResults    int
		NextPageToken string
	}
	_ = json.NewDecoder(r.Body).Decode(&body)
	from, _ := strconv.Atoi(body.NextPageToken)
	to := min(l.n, from+1+l.random.IntN(body.MaxResults))
	if !l.empty[from] && from > 0 && l.random.IntN(4) == 0 {
		// Jira filters after it has counted: a page may hold nothing, and the
		// next one more.
		l.empty[from] = true
		fmt.Fprintf(begin(w), `{"issues":[],"nextPageToken":"0%d"}`, from)
		return
	}
	issues := []map[string]any{}
	for i := from; i < to; i++ {
		issues = append(issues, map[string]any{"id": strconv.Itoa(i), "key": "OPS-" + strconv.Itoa(i)})
	}
	answer := map[string]any{"issues": issues}
	switch {
	case to < l.n:
		answer["nextPageToken"] = strconv.Itoa(to)
		if l.random.IntN(2) == 0 {
			answer["isLast"] = false
		}
	case l.ending == "is_last":
		answer["isLast"] = true
	case l.ending == "is_last_with_token":
		answer["isLast"], answer["nextPageToken"] = true, "999"
	case l.ending == "repeated_token" && body.NextPageToken != "":
		answer["nextPageToken"] = body.NextPageToken
	}
	_ = json.NewEncoder(begin(w)).Encode(answer)
}

func begin(w http.ResponseWriter) io.Writer {
	w.Header().Set("Content-Type", "application/json")
	return w
}

func TestPagingMissesNothingRepeatsNothingAndEnds(t *testing.T) {
	const runs = 1000
	s := newSite(t, false)
	for seed := range uint64(runs) {
		random := rand.New(rand.NewPCG(seed, 1))
		l := &longList{random: random, n: random.IntN(60), ending: endings[random.IntN(len(endings))], empty: map[int]bool{}}
		s.Answers(l.serve)
		limit := 1 + random.IntN(20)
		var got []string
		token, pages := "", 0
		for {
			if pages++; pages > 2*l.n+2 {
				t.Fatalf("seed %d: no end after %d pages of %d issues", seed, pages, l.n)
			}
			var page struct {
				Items []Issue
				Next  string `json:"next_page_token"`
			}
			w := s.do("POST", "/search", fmt.Sprintf(`{"jql":"project = OPS","limit":%d,"page_token":%q}`, limit, token))
			if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil || w.Code != 200 {
				t.Fatalf("seed %d: %d %s", seed, w.Code, w.Body)
			}
			for _, issue := range page.Items {
				got = append(got, issue.ID)
			}
			if token = page.Next; token == "" {
				break
			}
		}
		var want []string
		for i := range l.n {
			want = append(want, strconv.Itoa(i))
		}
		if !slices.Equal(got, want) {
			t.Fatalf("seed %d, ending %s: got %v, want 0 to %d", seed, l.ending, got, l.n-1)
		}
	}
}
