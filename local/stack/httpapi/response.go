package httpapi

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/aws/aws-lambda-go/events"
)

// writeAnswer turns a function's answer into HTTP, or returns an error if the
// service would not accept it. JSON without a status code is the body
// of a 200, as format 2.0 infers.
func writeAnswer(w http.ResponseWriter, payload []byte) error {
	answer, err := parseAnswer(payload)
	if err != nil {
		return err
	}
	body := []byte(answer.Body)
	if answer.IsBase64Encoded {
		if body, err = base64.StdEncoding.DecodeString(answer.Body); err != nil {
			return fmt.Errorf("body is not base64: %w", err)
		}
	}
	for name, value := range answer.Headers {
		w.Header().Set(name, value)
	}
	w.Header().Del("Content-Length") // the server counts for itself
	for _, cookie := range answer.Cookies {
		w.Header().Add("Set-Cookie", cookie)
	}
	w.WriteHeader(answer.StatusCode)
	w.Write(body)
	return nil
}

func parseAnswer(payload []byte) (events.APIGatewayV2HTTPResponse, error) {
	inferred := events.APIGatewayV2HTTPResponse{
		StatusCode: http.StatusOK,
		Headers:    map[string]string{"Content-Type": "application/json"},
		Body:       string(payload),
	}
	if !json.Valid(payload) {
		return inferred, fmt.Errorf("answer is not JSON")
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(payload, &fields) != nil || fields["statusCode"] == nil {
		return inferred, nil
	}
	var answer events.APIGatewayV2HTTPResponse
	if err := json.Unmarshal(payload, &answer); err != nil {
		return answer, fmt.Errorf("answer: %w", err)
	}
	if answer.StatusCode < 200 || answer.StatusCode > 599 {
		return answer, fmt.Errorf("answer has status code %d", answer.StatusCode)
	}
	return answer, nil
}

// writeMessage answers for the service itself.
func writeMessage(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]string{"message": message})
}
