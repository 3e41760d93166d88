package stack

import (
	"fmt"

	"github.com/coldfuse/coldfuse/local/stack/httpapi"
	"github.com/coldfuse/coldfuse/local/stack/identity"
	"github.com/coldfuse/coldfuse/local/stack/template"
)

// makeAuthorizers makes those of the routes.
func (s *Stack) makeAuthorizers() error {
	for _, route := range s.declared.Routes {
		authorizer, err := s.authorizer(route)
		if err != nil {
			return err
		}
		s.authorizers = append(s.authorizers, authorizer)
	}
	return nil
}

// authorizer returns the authorizer of the route, or nil if the route has none. The
// only issuer is the stack's own: its keys are here.
func (s *Stack) authorizer(r template.Route) (httpapi.Authorizer, error) {
	switch r.Access {
	case "iam":
		return identity.IAM{Key: s.AccessKeys.Find}, nil
	case "jwt":
		if r.JWT.Issuer != identity.IssuerURL {
			return nil, fmt.Errorf("%s %s: nobody here has the keys of the issuer %s, only those of %s",
				r.Method, r.Path, r.JWT.Issuer, identity.IssuerURL)
		}
		return identity.JWT{Issuer: r.JWT.Issuer, Audience: r.JWT.Audience, Key: s.Issuer.Key}, nil
	default:
		return nil, nil
	}
}
