package secretsim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// maxBody is above Secrets Manager's 65,536 bytes of a secret.
const maxBody = 1 << 17

// What comes before and after the name in a secret's ARN. The real suffix is
// six random characters.
const (
	arnPrefix = "arn:aws:secretsmanager:us-east-1:000000000000:secret:"
	arnSuffix = "-a1B2c3"
)

// Fault is what goes wrong with every request.
type Fault string

// The faults.
const (
	None   Fault = ""
	Refuse Fault = "refuse" // the connection ends without an answer
	Error  Fault = "error"  // InternalServiceError, 500
)

// Server is an http.Handler, safe for concurrent use.
type Server struct {
	mu      sync.Mutex
	secrets map[string]secret // by name
	puts    int
	reads   int
	fault   Fault
}

type secret struct {
	value   string
	version string
	created time.Time
}

// New returns a server without secrets.
func New() *Server {
	return &Server{secrets: map[string]secret{}}
}

// Put makes or rotates a secret and returns its ARN. The name is not an ARN.
func (s *Server) Put(name, value string) (arn string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.puts++
	s.secrets[name] = secret{value, fmt.Sprintf("00000000-0000-4000-8000-%012d", s.puts), time.Now()}
	return arnOf(name)
}

// Set puts a fault in force instead of another; None heals.
func (s *Server) Set(f Fault) error {
	switch f {
	case None, Refuse, Error:
	default:
		return fmt.Errorf("fault: %q is unknown", f)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
	return nil
}

// Reads returns the number of GetSecretValue requests, failed ones included.
func (s *Server) Reads() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reads
}

// ServeHTTP answers POST / as Secrets Manager does.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch target := r.Header.Get("X-Amz-Target"); {
	case target != "secretsmanager.GetSecretValue":
		fail(w, http.StatusBadRequest, "UnknownOperationException", "")
	case !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 "):
		fail(w, http.StatusBadRequest, "MissingAuthenticationTokenException", "Missing Authentication Token")
	default:
		s.getSecretValue(w, r)
	}
}

func (s *Server) getSecretValue(w http.ResponseWriter, r *http.Request) {
	switch s.arrived() {
	case Refuse:
		panic(http.ErrAbortHandler)
	case Error:
		fail(w, http.StatusInternalServerError, "InternalServiceError", "An error occurred on the server side.")
		return
	}
	var input struct{ SecretId, VersionId, VersionStage string }
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&input); err != nil {
		fail(w, http.StatusBadRequest, "SerializationException", "")
		return
	}
	if input.SecretId == "" {
		fail(w, http.StatusBadRequest, "ValidationException", "1 validation error detected: secretId must not be empty")
		return
	}
	name, found, ok := s.find(input.SecretId)
	current := input.VersionStage == "" || input.VersionStage == "AWSCURRENT"
	if !ok || !current || (input.VersionId != "" && input.VersionId != found.version) {
		fail(w, http.StatusBadRequest, "ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
		return
	}
	write(w, http.StatusOK, map[string]any{
		"ARN":           arnOf(name),
		"Name":          name,
		"SecretString":  found.value,
		"VersionId":     found.version,
		"VersionStages": []string{"AWSCURRENT"},
		"CreatedDate":   float64(found.created.UnixMilli()) / 1000,
	})
}

// arrived counts a request and returns the fault that it meets.
func (s *Server) arrived() Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	return s.fault
}

// find takes a name or an ARN, the latter also without its last part.
func (s *Server) find(id string) (name string, found secret, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name = strings.TrimPrefix(id, arnPrefix)
	if found, ok = s.secrets[name]; ok {
		return name, found, true
	}
	name = strings.TrimSuffix(name, arnSuffix)
	found, ok = s.secrets[name]
	return name, found, ok
}

func arnOf(name string) string { return arnPrefix + name + arnSuffix }

// fail writes an error as AWS JSON 1.1 has them.
func fail(w http.ResponseWriter, status int, code, message string) {
	write(w, status, map[string]string{"__type": code, "Message": message})
}

func write(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.Header().Set("X-Amzn-Requestid", "00000000-0000-4000-8000-000000000000")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}
