package confluencesim

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/coldfuse/coldfuse/local/sim/atlassiansim"
)

// failure is an error in the form of the version that was called.
func failure(c *atlassiansim.Call, status int, message string) atlassiansim.Answer {
	if !isV1(c) {
		code := strings.ToUpper(strings.ReplaceAll(http.StatusText(status), " ", "_"))
		if status == http.StatusBadRequest {
			code = "INVALID_REQUEST_PARAMETER"
		}
		return atlassiansim.Encode(status, map[string]any{"errors": []any{
			map[string]any{"status": status, "code": code, "title": message, "detail": nil},
		}})
	}
	exception := "ServiceException"
	switch status {
	case http.StatusBadRequest:
		exception = "BadRequestException"
	case http.StatusForbidden:
		exception = "PermissionException"
	}
	return atlassiansim.Encode(status, map[string]any{
		"statusCode": status,
		"data": map[string]any{
			"authorized": status != http.StatusForbidden, "valid": false, "allowedInReadOnlyMode": true, "errors": []any{}, "successful": false,
		},
		"message": "com.atlassian.confluence.api.service.exceptions.api." + exception + ": " + message,
	})
}

// invalid is what is wrong with a request, in Confluence's words.
type invalid string

func (r invalid) Error() string { return string(r) }

// notThe is about a parameter of a wrong type.
func notThe(kind, name, value string) invalid {
	return invalid(fmt.Sprintf("Provided value {%s} for '%s' is not the correct type. Expected type is %s", value, name, kind))
}

// badRequest answers an invalid request.
func badRequest(c *atlassiansim.Call, err error) atlassiansim.Answer {
	return failure(c, http.StatusBadRequest, err.Error())
}
