package phone

import (
	"context"
	"crypto/x509"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/certpath"
	"tegata/internal/httpd"
	"tegata/internal/jws"
	"tegata/internal/pki"
	"tegata/internal/problem"
)

// get fetches a small text without following anything anywhere.
func (p *Phone) get(ctx context.Context, uri string, header ...httpd.Header) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	body, _, err := httpd.Exchange(ctx, p.phones.c.Client, http.MethodGet, uri, nil, header...)
	return strings.TrimSpace(string(body)), err
}

// registration fetches who party is from the verifier at origin, and what is registered
// of the terminal that it asks at, if any, and checks it: signed under the ops authority
// by a verifier whose certificate names this origin.
func (p *Phone) registration(ctx context.Context, origin, party string, where *ceremony.Terminal) (*jws.Message[ceremony.Registration], error) {
	uri := origin + "/v1/parties/" + url.PathEscape(party)
	if where != nil {
		uri += "?" + url.Values{ceremony.TerminalParameter: {where.ID}}.Encode()
	}
	compact, err := p.get(ctx, uri)
	if err != nil {
		if problem.From(err).Status == http.StatusNotFound {
			return nil, ErrUnregistered.Because(err)
		}
		return nil, refusedUnread(err)
	}
	m, err := ceremony.ParseRegistration(compact)
	if err != nil {
		return nil, ErrVerifier.Because(err)
	}
	r, err := m.Verify()
	if err != nil {
		return nil, ErrVerifier.Because(err)
	}
	at := p.now()
	if err := r.Fresh(at); err != nil {
		return nil, ErrVerifier.Because(err)
	}
	leaf := m.Chain()[0]
	if id, ok := ceremony.PartyOf(leaf); !ok || id != r.Verifier.ID || r.Party != party {
		return nil, ErrVerifier
	}
	if err := p.stands(ctx, m.Chain(), certpath.ForRole(p.phones.c.Arc, pki.RoleVerifier), ErrVerifier); err != nil {
		return nil, err
	}
	// The certificate, not the message, says which addresses are the verifier's.
	origins := ceremony.OriginsOf(leaf)
	if !slices.Contains(origins, origin) || !slices.Contains(origins, r.Verifier.Origin) {
		return nil, ErrAddress
	}
	enc, err := r.Verifier.EncryptionChain()
	if err != nil {
		return nil, ErrVerifier.Because(err)
	}
	if id, ok := ceremony.PartyOf(enc[0]); !ok || id != r.Verifier.ID {
		return nil, ErrVerifier
	}
	if err := p.stands(ctx, enc, certpath.ForEncryption(p.phones.c.Arc), ErrVerifier); err != nil {
		return nil, err
	}
	return m, nil
}

// logoWithin is how long a picture may keep a person from reading a request.
const logoWithin = 2 * time.Second

// logo fetches the picture of a registration from the verifier, never from the party. One
// that is not the registered one, or does not come, is not shown: the mark is.
func (p *Phone) logo(ctx context.Context, origin string, r ceremony.Registration) []byte {
	if r.Logo == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, logoWithin)
	defer cancel()
	picture, _, err := httpd.Exchange(ctx, p.phones.c.Client, http.MethodGet, origin+ceremony.LogoPath(r.Party), nil)
	if err == nil {
		err = ceremony.CheckLogo(picture, r.Logo)
	}
	if err != nil {
		return nil
	}
	return picture
}

// allowed checks that a request whose signature holds asks for what was
// registered by who asks, or by whom it asks for, and the certificate of whoever
// signed it.
func (p *Phone) allowed(ctx context.Context, r ceremony.Registration, on *ceremony.Registration, req *jws.Message[ceremony.Request]) error {
	if err := r.Allows(req, on); err != nil {
		return requestProblem(err)
	}
	if err := p.stands(ctx, req.Chain(), certpath.ForRole(p.phones.c.Arc, pki.RoleParty), ErrUnregistered); err != nil {
		return err
	}
	if at := req.Unverified().Terminal; at != nil {
		return p.terminalStands(ctx, *at)
	}
	return nil
}

// terminalStands checks the certificate of the terminal that a request names, of a place
// that the party's registration names too.
func (p *Phone) terminalStands(ctx context.Context, at ceremony.Terminal) error {
	leaf, err := at.Certificate()
	if err != nil {
		return requestProblem(err)
	}
	err = p.stands(ctx, []*x509.Certificate{leaf}, certpath.ForRole(p.phones.c.Arc, pki.RoleTerminal), ErrTerminal)
	if errors.Is(err, ErrPartyRevoked) {
		return ErrTerminal.Because(err)
	}
	return err
}

// stands validates a chain under the ops authority and asks for its status: a
// status that cannot be learned is no permission.
func (p *Phone) stands(ctx context.Context, chain []*x509.Certificate, purpose certpath.Purpose, no *problem.Problem) error {
	at := p.now()
	path, err := certpath.Validate(chain[0], chain[1:], p.phones.c.Ops, purpose, at)
	if err != nil {
		return no.Because(err)
	}
	s, err := p.phones.c.Status.Status(ctx, path[0], path[1], at)
	switch {
	case err != nil:
		return ErrPartyStatus.Because(err)
	case s.State == certpath.Revoked || s.State == certpath.Held:
		return ErrPartyRevoked
	case s.State != certpath.Good:
		return ErrPartyStatus
	}
	return nil
}

func requestProblem(err error) error {
	for _, c := range []struct {
		is error
		p  *problem.Problem
	}{
		{ceremony.ErrExpired, ErrExpired}, {ceremony.ErrNotYet, ErrExpired}, {ceremony.ErrOrigin, ErrAddress},
		{ceremony.ErrAudience, ErrAddress}, {ceremony.ErrNotRegistered, ErrNotAsRegistered}, {ceremony.ErrTerminal, ErrTerminal},
		{ceremony.ErrRiskFloor, ErrNotAsRegistered}, {ceremony.ErrChannel, ErrNotAsRegistered},
		{jws.ErrSignature, ErrForged},
	} {
		if errors.Is(err, c.is) {
			return c.p.Because(err)
		}
	}
	return ErrUnreadable.Because(err)
}
