package relying

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

// Ended is what a logout token tells: that one session of a person ended, or all.
type Ended struct {
	ID  string // jti: each serves once
	Sub string
	SID string // "" for all of the person's
}

// ErrLogoutToken: a logout token that ends nothing.
var ErrLogoutToken = errors.New("relying: no logout token of the provider for this party")

// logoutLife is how old a logout token may be.
const logoutLife = 2 * time.Minute

// ReadLogout checks a logout token (OpenID Connect Back-Channel Logout 1.0, section 2.6).
// Whether its ID served before is for the caller to say, who remembers (Sessions does).
// ErrLogoutToken, ErrProvider.
func (p *Party) ReadLogout(ctx context.Context, token string) (Ended, error) {
	found, err := p.provider(ctx)
	if err != nil {
		return Ended{}, err
	}
	id, err := found.Verifier(&oidc.Config{ClientID: p.c.ClientID, SupportedSigningAlgs: []string{oidc.ES256}}).Verify(oidc.ClientContext(ctx, p.c.HTTP), token)
	if err != nil {
		if keysAway(err) {
			return Ended{}, fmt.Errorf("relying: logout token: %w", errors.Join(ErrProvider, err))
		}
		return Ended{}, fmt.Errorf("%w: %w", ErrLogoutToken, err)
	}
	var said struct {
		ID     string                     `json:"jti"`
		SID    string                     `json:"sid"`
		Nonce  *json.RawMessage           `json:"nonce"`
		Events map[string]json.RawMessage `json:"events"`
	}
	if err := id.Claims(&said); err != nil {
		return Ended{}, fmt.Errorf("%w: %w", ErrLogoutToken, err)
	}
	_, logout := said.Events["http://schemas.openid.net/event/backchannel-logout"] // section 2.4
	switch {
	case !logout, said.Nonce != nil, said.ID == "", id.Subject == "" && said.SID == "", time.Since(id.IssuedAt) > logoutLife:
		return Ended{}, ErrLogoutToken
	}
	return Ended{said.ID, id.Subject, said.SID}, nil
}

// keysAway says whether a token could not be judged because the provider's keys could not be
// had: then it is worth bringing again. The library tells it by its words alone.
func keysAway(err error) bool { return strings.Contains(err.Error(), "fetching keys") }
