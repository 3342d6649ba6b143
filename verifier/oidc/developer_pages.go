package oidc

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"tegata/internal/ceremony"
	"tegata/internal/httpd"
	"tegata/internal/ui"
)

// pathDevelopers is where relying parties' developers register and look after clients.
const pathDevelopers = "/developers"

// developerPages adds those pages. They set no cookie: what manages a client is in the
// form that a developer sends, so that no other site can send one.
func (p *Provider) developerPages(mux httpd.Registrar) {
	mux.HandleFunc("GET "+pathDevelopers, p.developers)
	mux.HandleFunc("GET "+pathDevelopers+"/new", p.newClient)
	mux.HandleFunc("POST "+pathDevelopers+"/new", p.doNewClient)
	mux.HandleFunc("GET "+pathDevelopers+"/client", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, pathDevelopers, http.StatusSeeOther) })
	mux.HandleFunc("POST "+pathDevelopers+"/client", p.managed(p.showClient))
	mux.HandleFunc("POST "+pathDevelopers+"/change", p.managed(p.doChange))
	mux.HandleFunc("POST "+pathDevelopers+"/secret", p.managed(p.doRotate))
	mux.HandleFunc("POST "+pathDevelopers+"/delete", p.managed(p.doDelete))
}

type developersPage struct {
	Sandbox bool
	Issuer  string
	Deleted string // the client that was deleted just now
}

func (p *Provider) developers(w http.ResponseWriter, r *http.Request) {
	p.show(w, r, ui.Screen{Page: "developers", Data: developersPage{Sandbox: p.c.Sandbox, Issuer: p.c.Issuer}})
}

// clientForm is a registration as it is typed.
type clientForm struct {
	NameJA, NameEN, SentenceJA, SentenceEN string
	Profile, Risk, Redirects, Logouts      string
	BackChannel, JWKS, Contact             string
	Refresh                                bool
	Claims                                 map[string]bool
	AllClaims                              []string
	Why                                    string // what of it does not hold together
}

// line is one address a line.
func lines(s string) []string { return strings.Fields(s) }

func formOf(c Client, contact string) clientForm {
	f := clientForm{NameJA: c.Name.JA, NameEN: c.Name.EN, SentenceJA: c.Purpose.Sentence.JA, SentenceEN: c.Purpose.Sentence.EN,
		Profile: string(c.Profile), Risk: string(c.Purpose.RiskFloor), Redirects: strings.Join(c.RedirectURIs, "\n"),
		Logouts: strings.Join(c.PostLogoutRedirectURIs, "\n"), BackChannel: c.BackchannelLogoutURI, JWKS: string(c.JWKS), Contact: contact,
		Refresh: c.Refresh, Claims: map[string]bool{}, AllClaims: ceremony.AttributeClaims()}
	for _, claim := range c.Purpose.Claims {
		f.Claims[claim] = true
	}
	return f
}

func readForm(r *http.Request) (Client, clientForm) {
	v := func(name string) string { return strings.TrimSpace(r.PostFormValue(name)) }
	c := Client{
		Name: ceremony.Text{JA: v("name_ja"), EN: v("name_en")}, Profile: Profile(v("profile")), Authentication: SecretBasic,
		RedirectURIs: lines(v("redirect_uris")), PostLogoutRedirectURIs: lines(v("post_logout_redirect_uris")), BackchannelLogoutURI: v("backchannel_logout_uri"),
		Refresh: v("refresh") != "",
		Purpose: ceremony.RegisteredPurpose{Code: "login", RiskFloor: ceremony.Risk(v("risk")), Sentence: ceremony.Text{JA: v("sentence_ja"), EN: v("sentence_en")}},
	}
	if keys := v("jwks"); keys != "" {
		c.Authentication, c.JWKS = PrivateKeyJWT, json.RawMessage(keys)
	}
	for _, claim := range ceremony.AttributeClaims() {
		if slices.Contains(r.PostForm["claims"], claim) {
			c.Purpose.Claims = append(c.Purpose.Claims, claim)
		}
	}
	if name := []rune(c.Name.JA); len(name) > 0 {
		c.Mark = string(name[0])
	}
	f := formOf(c, v("contact"))
	if len(f.Contact) > 200 {
		f.Contact = ""
	}
	return c, f
}

// whyOf is what a registration lacks, without who found it out.
func whyOf(err error) string {
	why := strings.TrimPrefix(err.Error(), ErrClient.Error()+": ")
	if _, rest, ok := strings.Cut(why, ": jws: "); ok {
		why = rest
	}
	return strings.TrimPrefix(why, "malformed: ")
}

type newClientPage struct {
	Form clientForm
	Done registered // the three that are shown once
	Name ui.Text
}

func (p *Provider) newClient(w http.ResponseWriter, r *http.Request) {
	if !p.c.Sandbox {
		p.fail(w, r, ErrNoPortal)
		return
	}
	f := formOf(Client{Profile: Basic, Purpose: ceremony.RegisteredPurpose{RiskFloor: ceremony.R1}}, "")
	f.Redirects = "http://127.0.0.1:9000/callback"
	p.show(w, r, ui.Screen{Page: "newclient", Data: newClientPage{Form: f}})
}

func (p *Provider) doNewClient(w http.ResponseWriter, r *http.Request) {
	c, f := readForm(r)
	done, err := p.registerSelf(r.Context(), c, f.Contact)
	switch {
	case errors.Is(err, ErrClient):
		f.Why = whyOf(err)
		p.show(w, r, ui.Screen{Page: "newclient", Data: newClientPage{Form: f}, Status: http.StatusUnprocessableEntity, Bad: true})
	case err != nil:
		p.fail(w, r, err)
	default:
		p.show(w, r, ui.Screen{Page: "newclient", Data: newClientPage{Form: f, Done: done, Name: ui.Text(c.Name)}})
	}
}

type clientPage struct {
	Client      Client
	Name        ui.Text
	Issuer      string
	Token       string // of the form that showed it; the page's own forms send it again
	Form        clientForm
	Secret      string // drawn just now
	Saved       bool
	Traffic     []Traffic
	QuickStarts []quickStart
}

// managed calls next for who manages the client of the form.
func (p *Provider) managed(next func(http.ResponseWriter, *http.Request, clientPage)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		token := strings.TrimSpace(r.PostFormValue("token"))
		c, m, err := p.manages(r.Context(), strings.TrimSpace(r.PostFormValue("client")), token)
		if err != nil {
			p.fail(w, r, err)
			return
		}
		next(w, r, clientPage{Client: c, Token: token, Form: formOf(c, m.Contact)})
	}
}

func (p *Provider) showClient(w http.ResponseWriter, r *http.Request, page clientPage) {
	var err error
	if page.Traffic, err = p.c.Store.TrafficOf(r.Context(), page.Client.ID); err != nil {
		p.fail(w, r, err)
		return
	}
	page.Name, page.Issuer, page.QuickStarts = ui.Text(page.Client.Name), p.c.Issuer, quickStarts(p.c.Issuer, page.Client)
	sc := ui.Screen{Page: "client", Data: page}
	if page.Form.Why != "" {
		sc.Status, sc.Bad = http.StatusUnprocessableEntity, true
	}
	p.show(w, r, sc)
}

func (p *Provider) doChange(w http.ResponseWriter, r *http.Request, page clientPage) {
	c, f := readForm(r)
	secret, err := p.change(r.Context(), page.Client, c)
	switch {
	case errors.Is(err, ErrClient):
		f.Why = whyOf(err)
		page.Form = f
	case err != nil:
		p.fail(w, r, err)
		return
	default:
		if page.Client, err = p.client(r.Context(), page.Client.ID); err != nil {
			p.fail(w, r, err)
			return
		}
		page.Form, page.Secret, page.Saved = formOf(page.Client, page.Form.Contact), secret, true
	}
	p.showClient(w, r, page)
}

func (p *Provider) doRotate(w http.ResponseWriter, r *http.Request, page clientPage) {
	var err error
	if page.Secret, err = p.rotate(r.Context(), page.Client); err != nil {
		if errors.Is(err, ErrClient) {
			err = ErrRegistration.With("why", err.Error())
		}
		p.fail(w, r, err)
		return
	}
	p.showClient(w, r, page)
}

func (p *Provider) doDelete(w http.ResponseWriter, r *http.Request, page clientPage) {
	if r.PostFormValue("really") != page.Client.ID { // named twice
		p.showClient(w, r, page)
		return
	}
	if err := p.remove(r.Context(), page.Client); err != nil {
		p.fail(w, r, err)
		return
	}
	p.show(w, r, ui.Screen{Page: "developers", Data: developersPage{Sandbox: p.c.Sandbox, Issuer: p.c.Issuer, Deleted: page.Client.ID}})
}
