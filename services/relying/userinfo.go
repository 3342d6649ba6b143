package relying

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"

	"tegata/internal/httpd"
)

// Claims are the attributes that a person allowed (OpenID Connect Core, section 5.1); one
// that was not asked for, or not allowed, is empty.
type Claims struct {
	Name      string  `json:"name"`
	Birthdate string  `json:"birthdate"` // YYYY-MM-DD
	Gender    string  `json:"gender"`    // female, male, or a word of the provider's
	Address   Address `json:"address"`
}

// Address is the address claim (OpenID Connect Core, section 5.1.1).
type Address struct {
	Formatted string `json:"formatted"`
}

// claims asks the userinfo endpoint. ErrNotAsked when it tells of another person; a
// *problem.Problem of package httpd.
func (p *Party) claims(ctx context.Context, found *provider, sub, token string) (Claims, error) {
	address := found.UserInfoEndpoint()
	if address == "" {
		return Claims{}, fmt.Errorf("relying: discovery: no userinfo_endpoint: %w", ErrProvider)
	}
	header, err := p.shown(http.MethodGet, address, token)
	if err != nil {
		return Claims{}, err
	}
	var told struct {
		Sub string `json:"sub"`
		Claims
	}
	if err := httpd.GetJSON(ctx, p.c.HTTP, address, &told, header...); err != nil {
		return Claims{}, fmt.Errorf("relying: userinfo: %w", errors.Join(ErrProvider, err))
	}
	// OpenID Connect Core, section 5.3.2: of another sub it is not used.
	if subtle.ConstantTimeCompare([]byte(told.Sub), []byte(sub)) != 1 {
		return Claims{}, fmt.Errorf("relying: userinfo is of another person: %w", ErrNotAsked)
	}
	return told.Claims, nil
}
