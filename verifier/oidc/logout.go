package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"tegata/internal/audit"
	"tegata/internal/ceremony"
	"tegata/internal/httpd"
	"tegata/internal/ui"
)

// hint is what counts of an id_token_hint. It may have expired (OpenID Connect
// RP-Initiated Logout 1.0, section 2: accepted when the session stands or was recent, even
// if exp has passed): what it says of the past stays true. Of a session that we know no
// longer nothing ends, and the way back is a registered address in any case.
type hint struct {
	Issuer   string `json:"iss"`
	Audience string `json:"aud"`
	Subject  string `json:"sub"`
	SID      string `json:"sid"`
}

type byePage struct {
	Client *shownClient // nil: nobody in particular
	Link   string
}

// getLogout is OpenID Connect RP-Initiated Logout 1.0, section 2. There is no session of
// a browser's with us that could end; what ends is the grant of the ID Token that the
// client sends along, and with it refresh tokens and userinfo. Without one, or with one
// that is not ours, nothing ends, so that another site's link logs nobody out.
func (p *Provider) getLogout(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	for name, values := range q { // as RFC 6749, section 3.1, has it: of two, somebody would read the other
		if len(values) > 1 {
			p.fail(w, r, ErrLogoutRequest.Because(errors.New("oidc: a parameter is given twice: "+name)))
			return
		}
	}
	if len(q.Get("state")) > maxEcho { // it goes out in an address of ours, as at the authorization endpoint
		p.fail(w, r, ErrLogoutState)
		return
	}
	h, err := p.readHint(q.Get("id_token_hint"))
	id := q.Get("client_id")
	switch {
	case q.Get("id_token_hint") == "":
	case err != nil, id != "" && h.Audience != id:
		p.fail(w, r, ErrLogoutRequest.Because(err))
		return
	case id == "":
		id = h.Audience
	}
	var page byePage
	var client Client
	if id != "" {
		c, err := p.c.Store.Client(r.Context(), id)
		if errors.Is(err, ErrNotFound) {
			err = ErrLogoutRequest
		}
		if err != nil {
			p.fail(w, r, err)
			return
		}
		who := p.shown(r.Context(), c)
		client, page.Client = c, &who
	}
	if to := q.Get("post_logout_redirect_uri"); to != "" {
		// Section 3: the address is registered, compared exactly, or there is no going there.
		if !slices.Contains(client.PostLogoutRedirectURIs, to) {
			p.fail(w, r, ErrLogoutRequest.Because(errors.New("oidc: post_logout_redirect_uri is not the client's")))
			return
		}
		page.Link = to
		if state := q.Get("state"); state != "" {
			separator := "?"
			if strings.Contains(to, "?") {
				separator = "&"
			}
			page.Link += separator + url.Values{"state": {state}}.Encode()
		}
	}
	if h.SID != "" {
		if err := p.endSID(r.Context(), h, p.c.Now()); err != nil {
			p.fail(w, r, err)
			return
		}
	}
	if page.Link != "" {
		w.Header().Set("Refresh", "0; url="+page.Link)
	}
	p.show(w, r, ui.Screen{Page: "bye", Data: page})
}

func (p *Provider) readHint(compact string) (h hint, err error) {
	if compact == "" {
		return h, nil
	}
	payload, err := p.keys.verify(compact)
	if err == nil {
		err = json.Unmarshal(payload, &h)
	}
	if err == nil && (h.Issuer != p.c.Issuer || h.Audience == "" || h.SID == "") {
		err = errors.New("oidc: no ID Token of ours")
	}
	return h, err
}

// endSID ends the grants of an ID Token. Its own client asked for it, and is not told.
func (p *Provider) endSID(ctx context.Context, h hint, at time.Time) error {
	grants, err := p.c.Store.GrantsOfSID(ctx, h.SID)
	if err != nil {
		return fmt.Errorf("oidc: logout: %w", err)
	}
	for _, g := range grants {
		if h.Audience != g.Client {
			continue
		}
		if err := p.c.Store.EndGrant(ctx, audit.Actor{Party: p.c.Party, Kind: "person", ID: h.Subject}, g.ID, whyLoggedOut, nil, at); err != nil {
			return fmt.Errorf("oidc: logout: %w", err)
		}
	}
	return nil
}

// How a client is told of a logout that it did not ask for.
const (
	noticeLife  = time.Hour
	noticeFirst = 2 * time.Second // between the first two tries; each pause is twice the one before
	noticeBatch = 20
)

// noticeFor is the notice of a grant's end; nil when its client wants none.
func (p *Provider) noticeFor(ctx context.Context, g Grant, at time.Time) (*Notice, error) {
	c, err := p.c.Store.Client(ctx, g.Client)
	if err != nil {
		return nil, err
	}
	return c.notice(g, at), nil
}

func (c Client) notice(g Grant, at time.Time) *Notice {
	if c.BackchannelLogoutURI == "" || g.Ended {
		return nil
	}
	return &Notice{ID: ceremony.NewID(), Client: g.Client, SID: g.SID, Sub: g.Subject, Due: at, Until: at.Add(noticeLife)}
}

// logoutToken is OpenID Connect Back-Channel Logout 1.0, section 2.4: never a nonce.
func (p *Provider) logoutToken(n Notice) (string, error) {
	id, key, err := p.keys.signing()
	if err != nil {
		return "", err
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: payloadSigner{id, key}}, (&jose.SignerOptions{}).WithType("logout+jwt"))
	if err != nil {
		return "", err
	}
	now := time.Now().Unix() // the client's time, see wall
	payload, err := json.Marshal(map[string]any{"iss": p.c.Issuer, "aud": n.Client, "iat": now, "exp": now + 120, "jti": n.ID, "sub": n.Sub, "sid": n.SID,
		"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": struct{}{}}})
	if err != nil {
		return "", err
	}
	m, err := signer.Sign(payload)
	if err != nil {
		return "", err
	}
	return m.CompactSerialize()
}

// deliver sends the notices that are due. One that does not arrive is tried again until
// its time is over.
func (p *Provider) deliver(ctx context.Context) error {
	at := p.c.Now()
	due, err := p.c.Store.DueNotices(ctx, at, noticeBatch)
	if err != nil {
		return fmt.Errorf("oidc: notices: %w", err)
	}
	for _, n := range due {
		if err := p.send(ctx, n); err == nil {
			err = p.c.Store.DropNotice(ctx, n.ID)
			if err != nil {
				return fmt.Errorf("oidc: notices: %w", err)
			}
			continue
		} else if ctx.Err() == nil {
			p.c.Log.WarnContext(ctx, "a client was not told of a logout", "client", n.Client, "error", err)
		}
		n.Tries++
		n.Due = at.Add(min(noticeFirst<<min(n.Tries, 10), noticeLife/4))
		if err := p.c.Store.PutNotice(ctx, n); err != nil {
			return fmt.Errorf("oidc: notices: %w", err)
		}
	}
	return nil
}

// send posts one logout token. The address is the registered one; no redirect is
// followed.
func (p *Provider) send(ctx context.Context, n Notice) error {
	c, err := p.c.Store.Client(ctx, n.Client)
	if err != nil || c.BackchannelLogoutURI == "" {
		return err
	}
	token, err := p.logoutToken(n)
	if err != nil {
		return err
	}
	body := []byte(url.Values{"logout_token": {token}}.Encode())
	_, _, err = httpd.Exchange(ctx, p.c.Client, http.MethodPost, c.BackchannelLogoutURI, body,
		httpd.Header{Name: "Content-Type", Value: "application/x-www-form-urlencoded"})
	return err
}
