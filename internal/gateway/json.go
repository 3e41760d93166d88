package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxBody is the most bytes of a request body that DecodeJSON reads.
const maxBody = 1 << 20

// WriteJSON answers with v. It panics if v cannot be encoded, which is a mistake
// of the handler.
func WriteJSON(w http.ResponseWriter, status int, v any) {
	write(w, status, "application/json", v)
}

func write(w http.ResponseWriter, status int, contentType string, v any) {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false) // nosniff keeps browsers from reading it as HTML
	if err := encoder.Encode(v); err != nil {
		panic(fmt.Errorf("gateway: encode response: %w", err))
	}
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // only size can fail, and Adapt answers that
}

// DecodeJSON reads r's body, one JSON object of at most 1 MB, into the struct that
// v points at, whatever the Content-Type. It answers a 400 problem that names the
// field if that is malformed, unknown, of the wrong type or given twice, and a 413
// if the body is too large, and then returns false.
func DecodeJSON(w http.ResponseWriter, r *http.Request, v any) bool {
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err == nil {
		err = decode(data, v)
	}
	if err != nil {
		WriteProblem(w, r, bodyProblem(err))
	}
	return err == nil
}

// bodyError is an error in a body, or in one field of it.
type bodyError struct{ field, detail string }

func (e *bodyError) Error() string { return e.detail }

func decode(data []byte, v any) error {
	data = bytes.TrimSpace(data)
	switch {
	case len(data) == 0:
		return &bodyError{detail: "a JSON object is needed as body"}
	case !utf8.Valid(data): // encoding/json would replace the bytes silently
		return &bodyError{detail: "the body is not UTF-8"}
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(v); err != nil {
		return err
	}
	if data[0] != '{' { // null decodes into anything
		return &bodyError{detail: notObject}
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return &bodyError{detail: "something follows the JSON object"}
	}
	if err := checkKeys(data, reflect.TypeOf(v)); err != nil {
		return err
	}
	return nil
}

const notObject = "the body is not a JSON object"

func bodyProblem(err error) Problem {
	var (
		tooLarge *http.MaxBytesError
		wrong    *bodyError
		mistyped *json.UnmarshalTypeError
		syntax   *json.SyntaxError
	)
	switch {
	case errors.As(err, &tooLarge):
		return Problem{
			Type:   "body-too-large",
			Status: http.StatusRequestEntityTooLarge,
			Detail: fmt.Sprintf("the body is larger than %d bytes", tooLarge.Limit),
		}
	case errors.As(err, &wrong):
		return BadField(wrong.field, wrong.detail)
	case errors.As(err, &mistyped):
		return mistypedProblem(mistyped)
	case errors.As(err, &syntax):
		return BadField("", fmt.Sprintf("the body is not JSON: error at byte %d", syntax.Offset))
	case errors.Is(err, io.ErrUnexpectedEOF):
		return BadField("", "the body is not JSON: it ends too early")
	}
	if name, found := unknownField(err); found {
		return BadField(name, "the field is unknown")
	}
	return BadField("", "the body cannot be read")
}

func mistypedProblem(err *json.UnmarshalTypeError) Problem {
	if err.Field == "" {
		return BadField("", notObject)
	}
	given, digits, _ := strings.Cut(err.Value, " ") // as in "number 1.5"
	switch {
	case digits == "":
		return BadField(err.Field, "the field has the wrong type: "+given)
	case strings.ContainsAny(digits, ".eE"):
		return BadField(err.Field, "want an integer")
	default:
		return BadField(err.Field, "the number is out of range")
	}
}

// unknownField returns the field's name from the message: encoding/json has no
// typed error for it.
func unknownField(err error) (string, bool) {
	quoted, found := strings.CutPrefix(err.Error(), "json: unknown field ")
	if !found {
		return "", false
	}
	name, err := strconv.Unquote(quoted)
	return name, err == nil
}
