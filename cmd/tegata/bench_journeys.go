package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tegata/holder/phone"
	"tegata/issuer/ra"
)

// benchRegistration has the resident register new phones, each of which takes the
// place of the one before, and adds up what the issuer did for it.
func benchRegistration(ctx context.Context, b *bench) ([]figure, error) {
	s, err := b.openStreet(ctx)
	if err != nil {
		return nil, err
	}
	var needs tally
	j, err := b.repeat(ctx, func() (lap, error) {
		if err := s.register(ctx); err != nil {
			return lap{}, err
		}
		needs, err = registrationTally(s.issuer.kept())
		if err != nil {
			return lap{}, err
		}
		return s.issuer.read(ctx, 3, "POST /v1/enrolments")
	})
	if err != nil {
		return nil, err
	}
	f := j.figure("registration of a phone, issuer's side", needs, 0.5)
	f.Notes = append(f.Notes, "Three messages over HTTP, from the first byte to the last in the issuer's handlers: what phone and card do, argon2id too, is not in it")
	return []figure{f}, nil
}

// registeredStreet is the neighbourhood with a phone that is registered.
func (b *bench) registeredStreet(ctx context.Context) (*benchStreet, error) {
	s, err := b.openStreet(ctx)
	if err == nil && s.phone == "" {
		err = s.register(ctx)
	}
	return s, err
}

// register is one whole registration, without a screen.
func (s *benchStreet) register(ctx context.Context) error {
	s.phones++
	id := fmt.Sprintf("bench-%d", s.phones)
	body := map[string]string{"id": id, "name": id, "resident": s.resident.ID}
	var v phone.View
	if err := s.post(ctx, "phone", "/v1/phones", body, &v); err != nil {
		return err
	}
	card, err := s.n.secrets.Card(s.resident.ID)
	if err != nil {
		return err
	}
	own, err := s.n.secrets.Phone(id)
	if err != nil {
		return err
	}
	away, err := s.holdCard(ctx, v.Reader)
	if err != nil {
		return err
	}
	secrets := map[string]string{"card_signature_password": card.CardSignaturePassword, "phone_auth_pin": own.PhoneAuthPIN,
		"phone_signature_password": own.PhoneSignaturePassword}
	var enrolled struct {
		LockCode string `json:"lock_code"`
	}
	err = s.post(ctx, "phone", "/v1/phones/"+id+"/enrol", secrets, &enrolled)
	s.phone, s.lockCode = id, enrolled.LockCode
	return errors.Join(err, away())
}

// registrationTally counts the operations that the messages of one registration
// demand of the issuer: each message's own signature, each attestation chain, each
// request's proof, the card's signature, and two certificates.
func registrationTally(bodies [][]byte) (tally, error) {
	t := tally{rsaSign: 2}
	for _, body := range bodies {
		var step ra.StepBody
		if err := json.Unmarshal(body, &step); err != nil {
			return nil, err
		}
		var header struct {
			X5C [][]byte `json:"x5c"`
		}
		var claims struct {
			Application []byte      `json:"application"`
			Auth        ra.KeyProof `json:"auth"`
			Sign        ra.KeyProof `json:"sign"`
		}
		if err := decodeJWS(step.Step, &header, &claims); err != nil {
			return nil, err
		}
		t[ecVerify]++
		if claims.Application != nil {
			t[rsaVerify]++
		}
		for _, key := range []ra.KeyProof{claims.Auth, claims.Sign} {
			if key.CSR != nil {
				t[rsaVerify]++
			}
		}
		for _, chain := range [][][]byte{header.X5C, claims.Auth.Chain, claims.Sign.Chain} {
			if err := t.addChain(chain); err != nil {
				return nil, err
			}
		}
	}
	return t, nil
}

// addChain counts the verification of each certificate by the one after it.
func (t tally) addChain(chain [][]byte) error {
	for i := 1; i < len(chain); i++ {
		parent, err := x509.ParseCertificate(chain[i])
		if err != nil {
			return err
		}
		key, ok := parent.PublicKey.(*ecdsa.PublicKey)
		if !ok {
			t[rsaVerify]++
		} else if key.Curve == elliptic.P384() {
			t[p384Verify]++
		} else {
			t[ecVerify]++
		}
	}
	return nil
}

// decodeJWS reads header and claims of a compact JWS without checking anything.
func decodeJWS(compact string, header, claims any) error {
	parts := strings.Split(compact, ".")
	if len(parts) != 3 {
		return errors.New("bench: that is no JWS")
	}
	for i, into := range []any{header, claims} {
		text, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			return err
		}
		if err := json.Unmarshal(text, into); err != nil {
			return err
		}
	}
	return nil
}

// loginTally is what a login demands of the verifier. The asking party proves itself
// twice (its assertion, its path), its request is checked once more in the same way;
// the phone is given the signed registration; its answer is opened, and checked
// with the release inside and the path; the authority is asked under assertions; a
// receipt and two grants are signed.
func loginTally(asked int) tally {
	return tally{ecVerify: 3, rsaVerify: 3 + 3, ecSign: 1 + asked + 1 + 2, ecAgreement: 1}
}

// benchLogin logs the resident in to the portal, as a browser and a phone on the
// same device do, and adds up what the verifier did from the request to the result.
func benchLogin(ctx context.Context, b *bench) ([]figure, error) {
	s, err := b.registeredStreet(ctx)
	if err != nil {
		return nil, err
	}
	s.issuer.forget()
	asked := 2                 // at the first login of a phone who it is and for the name, later for the name
	var asking []time.Duration // what the authority did meanwhile
	var needs tally
	j, err := b.repeat(ctx, func() (lap, error) {
		s.issuer.forget()
		s.verifier.forget()
		if err := s.login(ctx); err != nil {
			return lap{}, err
		}
		verifier, err := s.verifier.read(ctx, 5, "POST /v1/requests", "GET /v1/requests/", "GET /r/", "GET /v1/parties/")
		if err != nil {
			return lap{}, err
		}
		issuer, err := s.issuer.read(ctx, asked, "POST /v1/verifier/")
		asking, needs, asked = append(asking, issuer.took), loginTally(asked), 1
		return verifier.without(issuer), err
	})
	if err != nil {
		return nil, err
	}
	f := j.figure("login, verifier's side", needs, 0.4)
	f.Notes = append(f.Notes, "From the request to the result in the verifier's handlers",
		fmt.Sprintf("Not counted: %.2f ms in which the authority answered", milliseconds(median(asking))))
	return []figure{f}, nil
}

// login is one login in a new browser.
func (s *benchStreet) login(ctx context.Context) error {
	browser, err := s.newBrowser()
	if err != nil {
		return err
	}
	return s.loginWith(ctx, browser)
}

// loginWith is one login, with the browser's cookies.
func (s *benchStreet) loginWith(ctx context.Context, browser *http.Client) error {
	link, err := s.linkToPhone(ctx, browser)
	if err != nil {
		return err
	}
	redirect, err := s.approve(ctx, link)
	if err != nil {
		return err
	}
	head, err := clickLink(ctx, browser, http.MethodGet, redirect, "")
	if err == nil && head.Get("Location") != "/home" {
		err = errors.New("bench: the portal did not let the person in")
	}
	return err
}

// linkToPhone begins a login and returns what the phone is to open.
func (s *benchStreet) linkToPhone(ctx context.Context, browser *http.Client) (string, error) {
	portal := s.n.settings.page("portal")
	if _, err := clickLink(ctx, browser, http.MethodPost, portal+"/login", "with=this"); err != nil {
		return "", err
	}
	head, err := clickLink(ctx, browser, http.MethodGet, portal+"/login/phone", "")
	if err != nil {
		return "", err
	}
	_, link, ok := strings.Cut(head.Get("Refresh"), "url=")
	if !ok {
		return "", errors.New("bench: the portal does not lead to the phone")
	}
	return link, nil
}

// approve has the phone answer a request under its PIN, and returns where the browser
// goes on.
func (s *benchStreet) approve(ctx context.Context, link string) (redirect string, err error) {
	own, err := s.n.secrets.Phone(s.phone)
	if err != nil {
		return "", err
	}
	var out struct {
		Redirect string `json:"redirect"`
	}
	body := map[string]any{"request": link, "phone_auth_pin": own.PhoneAuthPIN}
	err = s.post(ctx, "phone", "/v1/phones/"+url.PathEscape(s.phone)+"/approve", body, &out)
	return out.Redirect, err
}

// clickLink is one click of a browser; form is a form's body. It returns the answer's
// header.
func clickLink(ctx context.Context, browser *http.Client, method, address, form string) (http.Header, error) {
	r, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader([]byte(form)))
	if err != nil {
		return nil, err
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", r.URL.Scheme+"://"+r.URL.Host)
	}
	answer, err := browser.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode >= http.StatusBadRequest {
		return nil, fmt.Errorf("bench: %s %s answered %s", method, r.URL.Path, answer.Status)
	}
	return answer.Header, nil
}
