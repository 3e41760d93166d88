package session

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/coldfuse/coldfuse/internal/gateway"
)

// Limits of what clients may ask for at a time.
const (
	defaultLimit = 50
	maxSessions  = 100
	maxMessages  = 200
)

// Handler serves the routes of sessions.
func Handler(r *Repository) http.Handler {
	h := handler{r}
	return gateway.Routes(map[string]http.HandlerFunc{
		"POST /api/v1/sessions":               gateway.NoQuery(requireOwner(h.create)),
		"GET /api/v1/sessions":                requireOwner(h.list),
		"PUT /api/v1/sessions/{id}":           gateway.NoQuery(requireOwner(h.ensure)),
		"GET /api/v1/sessions/{id}":           gateway.NoQuery(requireOwner(h.get)),
		"PATCH /api/v1/sessions/{id}":         gateway.NoQuery(requireOwner(h.update)),
		"DELETE /api/v1/sessions/{id}":        gateway.NoQuery(requireOwner(h.delete)),
		"POST /api/v1/sessions/{id}/messages": gateway.NoQuery(requireOwner(h.append)),
		"GET /api/v1/sessions/{id}/messages":  requireOwner(h.history),
	})
}

type handler struct{ repository *Repository }

// answer writes a session, its entity tag, and where a new one is.
func answer(w http.ResponseWriter, r *http.Request, status int, s Session) {
	w.Header().Set("ETag", tag{s.life, s.Version}.String())
	if status == http.StatusCreated {
		w.Header().Set("Location", "/api/v1/sessions/"+s.ID)
	}
	gateway.WriteJSON(w, status, s)
}

// statusOf returns 201 if the request created something, else 200.
func statusOf(created bool) int {
	if created {
		return http.StatusCreated
	}
	return http.StatusOK
}

// readData reads the body of a request that creates or changes a session. Unless
// needed, the body can be empty.
func readData(w http.ResponseWriter, r *http.Request, owner string, needed bool) (Data, bool) {
	var body struct {
		UserID      *string `json:"user_id"`
		SessionData struct {
			Title    *string         `json:"title"`
			Metadata json.RawMessage `json:"metadata"`
		} `json:"session_data"`
	}
	if r.ContentLength == 0 && !needed {
		return Data{}, true
	}
	if !gateway.DecodeJSON(w, r, &body) {
		return Data{}, false
	}
	if body.UserID != nil && *body.UserID != owner {
		gateway.WriteProblem(w, r, gateway.Problem{
			Type: "foreign-user", Title: "Foreign user", Status: http.StatusForbidden, Field: "user_id", Retryable: new(false),
			Detail: "sessions are the caller's own",
		})
		return Data{}, false
	}
	data := Data{Title: body.SessionData.Title, Metadata: body.SessionData.Metadata}
	if bytes.Equal(data.Metadata, []byte("null")) {
		data.Metadata = nil
	}
	if name, problem := data.problem(); problem != "" {
		gateway.WriteBadField(w, r, name, problem)
		return Data{}, false
	}
	return data, true
}

func (h handler) create(w http.ResponseWriter, r *http.Request, owner, _ string) {
	data, ok := readData(w, r, owner, false)
	if !ok {
		return
	}
	s, err := h.repository.Create(r.Context(), owner, data)
	if err != nil {
		writeProblem(w, r, err, false)
		return
	}
	answer(w, r, http.StatusCreated, s)
}

func (h handler) ensure(w http.ResponseWriter, r *http.Request, owner, id string) {
	data, ok := readData(w, r, owner, false)
	if !ok {
		return
	}
	s, created, err := h.repository.Ensure(r.Context(), owner, id, data)
	if err != nil {
		writeProblem(w, r, err, true)
		return
	}
	answer(w, r, statusOf(created), s)
}

func (h handler) list(w http.ResponseWriter, r *http.Request, owner, _ string) {
	query := []any{"sessions", owner}
	p, ok := readPage(w, r, query, maxSessions)
	if !ok {
		return
	}
	page, next, err := h.repository.List(r.Context(), owner, p.before, p.limit)
	if err != nil {
		writeProblem(w, r, err, true)
		return
	}
	gateway.WriteJSON(w, http.StatusOK, gateway.PageOf(page, gateway.EncodeToken(query, next)))
}

// part is the requested part of a list.
type part struct {
	before string
	limit  int
}

func readPage(w http.ResponseWriter, r *http.Request, query any, most int) (p part, ok bool) {
	values, ok := gateway.Query(w, r, "limit", "page_token")
	if !ok {
		return p, false
	}
	if p.limit, ok = gateway.Limit(w, r, values, defaultLimit, most); !ok {
		return p, false
	}
	if p.before, ok = gateway.DecodeToken(query, values.Get("page_token")); !ok {
		gateway.WriteProblem(w, r, gateway.BadToken())
	}
	return p, ok
}

func (h handler) get(w http.ResponseWriter, r *http.Request, owner, id string) {
	s, err := h.repository.Get(r.Context(), owner, id)
	if err != nil {
		writeProblem(w, r, err, true)
		return
	}
	answer(w, r, http.StatusOK, s)
}

func (h handler) update(w http.ResponseWriter, r *http.Request, owner, id string) {
	header := r.Header.Get("If-Match")
	if header == "" {
		gateway.WriteProblem(w, r, gateway.Problem{
			Type: "version-required", Title: "Version required", Status: http.StatusPreconditionRequired, Field: "If-Match",
			Detail: "send the ETag of the session as If-Match",
		})
		return
	}
	is, ok := parseTag(header)
	if !ok {
		gateway.WriteBadField(w, r, "If-Match", "want one entity tag")
		return
	}
	data, ok := readData(w, r, owner, true)
	if !ok {
		return
	}
	s, err := h.repository.Update(r.Context(), owner, id, is, data)
	if err != nil {
		writeProblem(w, r, err, true)
		return
	}
	answer(w, r, http.StatusOK, s)
}

func (h handler) delete(w http.ResponseWriter, r *http.Request, owner, id string) {
	if err := h.repository.Delete(r.Context(), owner, id); err != nil {
		writeProblem(w, r, err, true)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (h handler) append(w http.ResponseWriter, r *http.Request, owner, id string) {
	var body struct {
		ID      *string `json:"id"`
		Role    Role    `json:"role"`
		Content *string `json:"content"`
	}
	if !gateway.DecodeJSON(w, r, &body) {
		return
	}
	switch {
	case body.ID != nil && !isID(*body.ID):
		gateway.WriteBadField(w, r, "id", wantID)
		return
	case !body.Role.known():
		gateway.WriteBadField(w, r, "role", "want user, assistant, system or tool")
		return
	case body.Content == nil || len(*body.Content) > maxContent:
		gateway.WriteBadField(w, r, "content", fmt.Sprintf("want text of at most %d bytes", maxContent))
		return
	}
	message := ""
	if body.ID != nil {
		message = *body.ID
	}
	m, created, err := h.repository.Append(r.Context(), owner, id, message, body.Role, *body.Content)
	if err != nil {
		writeProblem(w, r, err, body.ID != nil)
		return
	}
	gateway.WriteJSON(w, statusOf(created), m)
}

func (h handler) history(w http.ResponseWriter, r *http.Request, owner, id string) {
	query := []any{"messages", owner, id}
	p, ok := readPage(w, r, query, maxMessages)
	if !ok {
		return
	}
	page, next, err := h.repository.History(r.Context(), owner, id, p.before, p.limit)
	if err != nil {
		writeProblem(w, r, err, true)
		return
	}
	gateway.WriteJSON(w, http.StatusOK, gateway.PageOf(page, gateway.EncodeToken(query, next)))
}
