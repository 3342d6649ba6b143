package relying

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"tegata/internal/httpd"
)

// Verdict is what POST /v1/verify finds about one signature now.
type Verdict struct {
	Verdict       string    `json:"verdict"`        // passed, failed, indeterminate
	SubIndication string    `json:"sub_indication"` // ETSI EN 319 102-1
	Code          string    `json:"code"`
	CheckedAt     time.Time `json:"checked_at"`
	Signatures    []struct {
		Signer *struct {
			Kind        string `json:"kind"`
			Name        string `json:"name"`
			Certificate string `json:"certificate_sha256"`
		} `json:"signer"`
		Status *struct {
			State      string    `json:"state"`
			ThisUpdate time.Time `json:"this_update"`
		} `json:"status"`
	} `json:"signatures"`
}

// Passed is the verdict of a signature that holds.
const Passed = "passed"

// Status is what the verifier knew of the one signer's certificate, and as of when: good,
// held, revoked, unknown; "" when it could not learn.
func (v Verdict) Status() (state string, asOf time.Time) {
	if len(v.Signatures) != 1 || v.Signatures[0].Status == nil {
		return "", time.Time{}
	}
	s := v.Signatures[0].Status
	return s.State, s.ThisUpdate
}

// Signer is the name in the one signer's certificate and the kind of its authority; empty
// for a certificate of no trusted authority.
func (v Verdict) Signer() (name, kind string) {
	if len(v.Signatures) != 1 || v.Signatures[0].Signer == nil {
		return "", ""
	}
	return v.Signatures[0].Signer.Name, v.Signatures[0].Signer.Kind
}

// Certificate is the SHA-256 of the one signer's certificate in hex, and so of the key in
// it: what is bound to a phone is bound to this. "" for no signer.
func (v Verdict) Certificate() string {
	if len(v.Signatures) != 1 || v.Signatures[0].Signer == nil {
		return ""
	}
	return v.Signatures[0].Signer.Certificate
}

// Verify has a detached signature over a content checked now, by a token of this party's
// own. *RefusedError or ErrProvider for the token; after that a *problem.Problem of the
// verifier, or of package httpd.
func (p *Party) Verify(ctx context.Context, signature, content []byte) (Verdict, error) {
	address := p.c.Issuer + "/v1/verify"
	header, err := p.own(ctx, http.MethodPost, address)
	if err != nil {
		return Verdict{}, err
	}
	type message struct {
		Signed  []byte `json:"signed"`
		Content []byte `json:"content"`
	}
	body := struct {
		Messages []message `json:"messages"`
	}{[]message{{signature, content}}}
	var v Verdict
	if err := httpd.PostJSON(ctx, p.c.HTTP, address, body, &v, header...); err != nil {
		return Verdict{}, fmt.Errorf("relying: verify: %w", err)
	}
	return v, nil
}
