package municipality

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"tegata/internal/ceremony"
	"tegata/internal/httpd"
	"tegata/internal/problem"
	"tegata/internal/trace"
)

// newID draws an id for a message of our own.
func newID() string { return ceremony.NewID() }

// newCardID draws the number of a card, in the letters that are printed on one.
func newCardID() string { return strings.ToLower(rand.Text())[:16] }

// blank is a card that waits for its certificates.
type blank struct {
	AuthCSR []byte `json:"auth_csr"`
	SignCSR []byte `json:"sign_csr"`
}

// makeCard has the cards role make the card, or show again the requests of one
// that it made.
func (r *Register) makeCard(ctx context.Context, id, municipality string) (blank, error) {
	r.note(ctx, "cards", "カードを1枚作ってもらう", "Order a card", map[string]string{"card": id})
	var out blank
	err := httpd.PostJSON(ctx, r.conf.Client, r.conf.Cards+"/v1/cards",
		map[string]string{"id": id, "municipality": municipality}, &out, r.conf.CardsToken.Bearer())
	if err != nil {
		return blank{}, err
	}
	for _, csr := range [][]byte{out.AuthCSR, out.SignCSR} {
		if _, err := csrKey(csr); err != nil {
			return blank{}, httpd.BadAnswer.Because(err)
		}
	}
	return out, nil
}

// signatureKey has a card that somebody has make a new signature key for an order, and
// returns its request.
func (r *Register) signatureKey(ctx context.Context, order Card) (blank, error) {
	r.note(ctx, "cards", "同じカードで新しい署名用の鍵を作ってもらう", "Have the card make a new signature key", map[string]string{"card": order.Onto})
	var out blank
	err := httpd.PostJSON(ctx, r.conf.Client, r.conf.Cards+"/v1/cards/"+url.PathEscape(order.Onto)+"/signature-key",
		map[string]string{"order": order.ID}, &out, r.conf.CardsToken.Bearer())
	if err != nil {
		return blank{}, err
	}
	if _, err := csrKey(out.SignCSR); err != nil {
		return blank{}, httpd.BadAnswer.Because(err)
	}
	return out, nil
}

// askIssuer sends the request that was written down, and sees that the answer
// certifies the card's keys.
func (r *Register) askIssuer(ctx context.Context, c Card) (cardIssued, error) {
	var request struct {
		AuthCSR []byte `json:"auth_csr"`
		SignCSR []byte `json:"sign_csr"`
	}
	if err := json.Unmarshal(c.Request, &request); err != nil {
		return cardIssued{}, fmt.Errorf("municipality: card %s: %w", c.ID, err)
	}
	bearer, err := r.bearer()
	if err != nil {
		return cardIssued{}, err
	}
	r.note(ctx, "issuer", "電子証明書を発行してもらう", "Ask for the card's certificates", map[string]string{"card": c.ID})
	var out cardIssued
	door := "/v1/card-issuances"
	if c.Onto != "" {
		door = "/v1/card-reissues"
	}
	if err := httpd.PostJSON(ctx, r.conf.Client, r.conf.Issuer+door, json.RawMessage(c.Request), &out, bearer); err != nil {
		return cardIssued{}, err
	}
	if out.ID != c.ID {
		return cardIssued{}, httpd.BadAnswer.Because(errors.New("municipality: an answer for another card"))
	}
	var checks []struct{ csr, certificate, authority []byte }
	if c.Onto == "" {
		checks = append(checks, struct{ csr, certificate, authority []byte }{request.AuthCSR, out.Certificates.Auth, out.Authorities.Auth})
	}
	if c.Signature {
		checks = append(checks, struct{ csr, certificate, authority []byte }{request.SignCSR, out.Certificates.Sign, out.Authorities.Sign})
	} else if len(out.Certificates.Sign) > 0 {
		return cardIssued{}, httpd.BadAnswer.Because(errors.New("municipality: a signature certificate that nobody asked for"))
	}
	for _, x := range checks {
		if err := certifies(x.csr, x.certificate, x.authority); err != nil {
			return cardIssued{}, httpd.BadAnswer.Because(err)
		}
	}
	return out, nil
}

// certifies checks that certificate is for the key of csr and signed by authority.
func certifies(csr, certificate, authority []byte) error {
	key, err := csrKey(csr)
	if err != nil {
		return err
	}
	leaf, err := x509.ParseCertificate(certificate)
	if err != nil {
		return fmt.Errorf("municipality: certificate: %w", err)
	}
	if same, ok := key.(interface{ Equal(crypto.PublicKey) bool }); !ok || !same.Equal(leaf.PublicKey) {
		return errors.New("municipality: the certificate is for another key")
	}
	issuer, err := x509.ParseCertificate(authority)
	if err != nil {
		return fmt.Errorf("municipality: authority: %w", err)
	}
	if err := leaf.CheckSignatureFrom(issuer); err != nil {
		return fmt.Errorf("municipality: the certificate is not signed by its authority: %w", err)
	}
	return nil
}

func csrKey(der []byte) (crypto.PublicKey, error) {
	csr, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return nil, fmt.Errorf("municipality: certification request: %w", err)
	}
	if err := csr.CheckSignature(); err != nil {
		return nil, fmt.Errorf("municipality: certification request: %w", err)
	}
	return csr.PublicKey, nil
}

// writeCard hands the certificates to the cards role.
func (r *Register) writeCard(ctx context.Context, c Card) error {
	r.note(ctx, "cards", "証明書をカードに書き込んでもらう", "Write the certificates into the card", map[string]string{"card": c.ID})
	where := url.PathEscape(c.ID) + "/certificates"
	if c.Onto != "" {
		where = url.PathEscape(c.Onto) + "/signature"
	}
	return httpd.PostJSON(ctx, r.conf.Client, r.conf.Cards+"/v1/cards/"+where,
		json.RawMessage(c.Papers), nil, r.conf.CardsToken.Bearer())
}

// postEvent tells the issuer of an event, and returns how many certificates it changed.
func (r *Register) postEvent(ctx context.Context, e Event) (changed int, err error) {
	bearer, err := r.bearer()
	if err != nil {
		return 0, err
	}
	var done struct {
		Changed int `json:"changed"`
	}
	r.note(ctx, "issuer", "住民の異動を知らせる", "Tell what happened to a resident", map[string]string{"kind": string(e.Kind)})
	err = httpd.PostJSON(ctx, r.conf.Client, r.conf.Issuer+"/v1/register-events", json.RawMessage(e.Message), &done, bearer)
	return done.Changed, err
}

// bearer proves us to the issuer, for one call.
func (r *Register) bearer() (httpd.Header, error) {
	token, err := ceremony.SignClientAssertion(r.conf.Signer, r.conf.Chain,
		ceremony.NewClientAssertion(r.conf.Party, r.conf.Audience, r.conf.Now()))
	if err != nil {
		return httpd.Header{}, fmt.Errorf("municipality: client assertion: %w", err)
	}
	return httpd.Bearer(token), nil
}

// finalRefusal tells whether err is another party's decision about what we sent,
// which stays the same however often we send it, and its code. That it did not
// recognise us, or had no time, is none.
func finalRefusal(err error) (code string, final bool) {
	p, ok := errors.AsType[*problem.Problem](err)
	if !ok || p.Kind != problem.Refused && p.Kind != problem.YourTurn {
		return "", false
	}
	switch p.Status {
	case http.StatusUnauthorized, http.StatusRequestTimeout, http.StatusMisdirectedRequest, http.StatusTooManyRequests:
		return "", false
	}
	if p.Code == "caller-role" || p.Code == "wrong-origin" {
		return "", false // our configuration or theirs; nothing was decided
	}
	return p.Code, true
}

// note tells the sandbox what is being done.
func (r *Register) note(ctx context.Context, to, ja, en string, detail map[string]string) {
	r.conf.Trace.Note(ctx, trace.Event{At: r.conf.Now(), From: "municipality", To: to, Kind: "http", TitleJA: ja, TitleEN: en, Detail: detail})
}
