package oidc

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"tegata/internal/ceremony"
	"tegata/internal/ui"
)

// formSigns is how many purposes of signing the form has room for, beside that of the
// login.
const formSigns = 4

// clientForm is a registration as it is typed.
type clientForm struct {
	NameJA, NameEN, SentenceJA, SentenceEN string
	Profile, Risk, Redirects, Logouts      string
	BackChannel, JWKS, Contact             string
	Refresh                                bool
	Claims                                 map[string]bool
	AllClaims                              []string
	Signs                                  []signForm
	Signing                                bool // one of them is filled in
	Production                             bool
	Why                                    ui.Text // what of it does not hold together
}

// signForm is one purpose of signing as it is typed.
type signForm struct {
	N            int
	Code, JA, EN string
	Claims       map[string]bool
}

// line is one address a line.
func lines(s string) []string { return strings.Fields(s) }

func (p *Provider) formOf(c Client, contact string) clientForm {
	f := clientForm{NameJA: c.Name.JA, NameEN: c.Name.EN, SentenceJA: c.Purpose.Sentence.JA, SentenceEN: c.Purpose.Sentence.EN,
		Profile: string(c.Profile), Risk: string(c.Purpose.RiskFloor), Redirects: strings.Join(c.RedirectURIs, "\n"),
		Logouts: strings.Join(c.PostLogoutRedirectURIs, "\n"), BackChannel: c.BackchannelLogoutURI, JWKS: string(c.JWKS), Contact: contact,
		Refresh: c.Refresh, Claims: set(c.Purpose.Claims), AllClaims: ceremony.AttributeClaims(), Signing: c.signs(), Production: !p.c.Sandbox}
	for n := range max(formSigns, len(c.SignPurposes)) {
		s := signForm{N: n + 1}
		if n < len(c.SignPurposes) {
			of := c.SignPurposes[n]
			s.Code, s.JA, s.EN, s.Claims = of.Code, of.Sentence.JA, of.Sentence.EN, set(of.Claims)
		}
		f.Signs = append(f.Signs, s)
	}
	return f
}

func set(names []string) map[string]bool {
	m := map[string]bool{}
	for _, n := range names {
		m[n] = true
	}
	return m
}

// readForm reads a registration as it was typed, and the contact beside it.
func (p *Provider) readForm(r *http.Request) (Client, clientForm) {
	v := func(name string) string { return strings.TrimSpace(r.PostFormValue(name)) }
	c := Client{
		Name: ceremony.Text{JA: v("name_ja"), EN: v("name_en")}, Profile: Profile(v("profile")), Authentication: SecretBasic,
		RedirectURIs: lines(v("redirect_uris")), PostLogoutRedirectURIs: lines(v("post_logout_redirect_uris")), BackchannelLogoutURI: v("backchannel_logout_uri"),
		Refresh: v("refresh") != "",
		Purpose: ceremony.RegisteredPurpose{Code: "login", RiskFloor: ceremony.Risk(v("risk")), Sentence: ceremony.Text{JA: v("sentence_ja"), EN: v("sentence_en")},
			Claims: ticked(r, "claims")},
	}
	if keys := v("jwks"); keys != "" {
		c.Authentication = PrivateKeyJWT
		c.JWKS, _ = json.Marshal(keys) // what is no JSON stays a string, in which check finds no keys
		if json.Valid([]byte(keys)) {
			c.JWKS = json.RawMessage(keys)
		}
	}
	for n := 1; n <= maxSignPurposes; n++ {
		of := func(name string) string { return v("sign_" + name + "_" + strconv.Itoa(n)) }
		s := ceremony.RegisteredPurpose{Code: of("code"), RiskFloor: ceremony.R3, Sentence: ceremony.Text{JA: of("ja"), EN: of("en")},
			Claims: ticked(r, "sign_claims_"+strconv.Itoa(n))}
		if s.Code != "" || s.Sentence != (ceremony.Text{}) || len(s.Claims) > 0 {
			c.SignPurposes = append(c.SignPurposes, s)
		}
	}
	if name := []rune(c.Name.JA); len(name) > 0 {
		c.Mark = string(name[0])
	}
	f := p.formOf(c, v("contact"))
	f.JWKS = v("jwks") // as it was typed
	return c, f
}

// ticked are the attributes that are switched on under a name.
func ticked(r *http.Request, name string) (claims []string) {
	for _, claim := range ceremony.AttributeClaims() {
		if slices.Contains(r.PostForm[name], claim) {
			claims = append(claims, claim)
		}
	}
	return claims
}
