package atlassiansim

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"time"
)

// ownRoutes are the calls that are the same in front of every product.
func (e *Edge) ownRoutes() []Route {
	return []Route{
		Post("/oauth/token", GetToken, e.token),
		Get("/_edge/tenant_info", GetTenantInfo, e.tenantInfo),
	}
}

func (e *Edge) tenantInfo(*Call) Answer {
	return Encode(http.StatusOK, map[string]string{"cloudId": e.options.CloudID})
}

// token is auth.atlassian.com's exchange of client credentials (RFC 6749,
// section 4.4), which takes them as JSON.
func (e *Edge) token(c *Call) Answer {
	if a, ok := c.NeedJSON(); !ok {
		return a
	}
	var body struct {
		GrantType string `json:"grant_type"`
		App
	}
	if json.Unmarshal(c.Body, &body) != nil {
		return oauthError(http.StatusBadRequest, "invalid_request", "The body is not JSON.")
	}
	if body.GrantType != "client_credentials" {
		return oauthError(http.StatusForbidden, "unsupported_grant_type", "Unsupported grant type: "+body.GrantType)
	}
	if _, app := e.account.get(); body.App != app || c.Struck(ExpiredToken) {
		return oauthError(http.StatusUnauthorized, "access_denied", "Unauthorized")
	}
	token := rand.Text()
	e.account.issue(token, c.Now.Add(e.options.TokenLife))
	return Encode(http.StatusOK, map[string]any{
		"access_token": token, "expires_in": int(e.options.TokenLife / time.Second), "token_type": "Bearer", "scope": e.product.Scope,
	}).With("Cache-Control", "no-store")
}

func oauthError(status int, code, description string) Answer {
	return Encode(status, map[string]string{"error": code, "error_description": description})
}
