package oidc

import (
	"errors"
	"html/template"
	"io"
	"net/http"
	"strings"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/httpd"
	"tegata/internal/ui"
)

// pathDevelopers is where relying parties' developers register and look after clients.
const pathDevelopers = "/developers"

// pathLogo takes a picture: its forms may be larger than others.
const pathLogo = pathDevelopers + "/logo"

// MaxForm bounds the largest form of Pages, in bytes: the guard before it has to let that
// through.
const MaxForm = 256 << 10

// developerPages adds those pages. They set no cookie: what manages a client is in the
// form that a developer sends, so that no other site can send one.
func (p *Provider) developerPages(mux httpd.Registrar) {
	mux.HandleFunc("GET "+pathDevelopers, p.developers)
	mux.HandleFunc("GET "+pathDevelopers+"/new", p.newClient)
	mux.HandleFunc("POST "+pathDevelopers+"/new", p.doNewClient)
	mux.HandleFunc("GET "+pathDevelopers+"/client", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, pathDevelopers, http.StatusSeeOther) })
	mux.HandleFunc("POST "+pathDevelopers+"/client", p.managed(p.showClient))
	mux.HandleFunc("POST "+pathDevelopers+"/change", p.managed(p.doChange))
	mux.HandleFunc("POST "+pathLogo, p.managed(p.doLogo))
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

type newClientPage struct {
	Form    clientForm
	Sandbox bool
	Done    registered // the three that are shown once
}

func (p *Provider) newClient(w http.ResponseWriter, r *http.Request) {
	f := p.formOf(Client{Profile: Basic, Purpose: ceremony.RegisteredPurpose{RiskFloor: ceremony.R1}}, "")
	if p.c.Sandbox {
		f.Redirects = "http://127.0.0.1:9000/callback"
	}
	p.show(w, r, ui.Screen{Page: "newclient", Data: newClientPage{Form: f, Sandbox: p.c.Sandbox}})
}

func (p *Provider) doNewClient(w http.ResponseWriter, r *http.Request) {
	c, f := p.readForm(r)
	page := newClientPage{Form: f, Sandbox: p.c.Sandbox}
	sc := ui.Screen{Page: "newclient"}
	var err error
	page.Done, err = p.registerSelf(r.Context(), httpd.Source(r), c, f.Contact)
	switch {
	case errors.Is(err, ErrClient):
		page.Done, page.Form.Why = registered{}, ui.Text(whyOf(err))
		sc.Status, sc.Bad = http.StatusUnprocessableEntity, true
	case err != nil:
		p.fail(w, r, err)
		return
	}
	sc.Data = page
	p.show(w, r, sc)
}

type clientPage struct {
	charge
	Client      Client // as the form has it: what waits, or what is registered
	State       string
	Until       time.Time // an application that waits is erased then
	Name        ui.Text
	Issuer      string
	Sandbox     bool
	Token       string // of the form that showed it; the page's own forms send it again
	Form        clientForm
	Logo        template.URL
	LogoWhy     ui.Text
	Secret      string // drawn just now
	Saved       bool
	Traffic     []Traffic
	QuickStarts []quickStart
}

// managed calls next for who manages the client of the form.
func (p *Provider) managed(next func(http.ResponseWriter, *http.Request, clientPage)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseMultipartForm(MaxForm); err != nil && !errors.Is(err, http.ErrNotMultipart) {
			p.fail(w, r, httpd.BodyProblem(err))
			return
		}
		page := clientPage{Token: strings.TrimSpace(r.PostFormValue("token"))}
		err := p.reload(r, &page, strings.TrimSpace(r.PostFormValue("client")))
		if err != nil {
			p.fail(w, r, err)
			return
		}
		next(w, r, page)
	}
}

// reload reads the client of a page as it is now.
func (p *Provider) reload(r *http.Request, page *clientPage, id string) (err error) {
	if page.charge, err = p.manages(r.Context(), id, page.Token); err != nil {
		return err
	}
	page.Client, page.State, page.Sandbox = page.draft(), page.charge.State(), p.c.Sandbox
	page.Form = p.formOf(page.Client, page.Managed.Contact)
	if page.Application != nil {
		page.Until = page.Application.At.Add(ApplicationLife)
	}
	return nil
}

func (p *Provider) showClient(w http.ResponseWriter, r *http.Request, page clientPage) {
	var err error
	if page.Traffic, err = p.c.Store.TrafficOf(r.Context(), page.ID); err == nil {
		page.Logo, err = p.logoOf(r.Context(), page.Client)
	}
	if err != nil {
		p.fail(w, r, err)
		return
	}
	page.Name, page.Issuer, page.QuickStarts = ui.Text(page.Client.Name), p.c.Issuer, quickStarts(p.c.Issuer, page.Client)
	sc := ui.Screen{Page: "client", Data: page}
	if page.Form.Why != (ui.Text{}) || page.LogoWhy != (ui.Text{}) {
		sc.Status, sc.Bad = http.StatusUnprocessableEntity, true
	}
	p.show(w, r, sc)
}

func (p *Provider) doChange(w http.ResponseWriter, r *http.Request, page clientPage) {
	c, f := p.readForm(r)
	c.Logo = page.Client.Logo // it has a form of its own
	secret, err := p.change(r.Context(), httpd.Source(r), page.charge, c, f.Contact)
	if errors.Is(err, ErrClient) {
		f.Why = ui.Text(whyOf(err))
		page.Form = f
	} else if err = p.changed(r, &page, err); err != nil {
		p.fail(w, r, err)
		return
	}
	page.Secret = secret
	p.showClient(w, r, page)
}

// changed shows what came of a change.
func (p *Provider) changed(r *http.Request, page *clientPage, err error) error {
	if err != nil {
		return err
	}
	page.Saved = true
	return p.reload(r, page, page.ID)
}

func (p *Provider) doLogo(w http.ResponseWriter, r *http.Request, page clientPage) {
	sent, err := sentLogo(r)
	if err == nil {
		err = p.setLogo(r.Context(), httpd.Source(r), page.charge, sent)
	}
	if errors.Is(err, ErrClient) {
		page.LogoWhy = ui.Text(whyOf(err))
	} else if err = p.changed(r, &page, err); err != nil {
		p.fail(w, r, err)
		return
	}
	p.showClient(w, r, page)
}

// sentLogo is the picture of a form, or nothing where it is to be taken away.
func sentLogo(r *http.Request) ([]byte, error) {
	if r.PostFormValue("remove") != "" {
		return nil, nil
	}
	file, _, err := r.FormFile("logo")
	if err != nil {
		return nil, clientError("画像のファイルを選んでください。", "choose a picture")
	}
	defer file.Close()
	sent, err := io.ReadAll(file)
	if err == nil && len(sent) == 0 {
		err = errNoPNG()
	}
	return sent, err
}

func (p *Provider) doRotate(w http.ResponseWriter, r *http.Request, page clientPage) {
	secret, err := p.rotate(r.Context(), page.charge)
	if err != nil {
		if errors.Is(err, ErrClient) {
			err = ErrRegistration.With("why", err.Error())
		}
		p.fail(w, r, err)
		return
	}
	page.Secret = secret
	p.showClient(w, r, page)
}

func (p *Provider) doDelete(w http.ResponseWriter, r *http.Request, page clientPage) {
	if r.PostFormValue("really") != page.ID { // named twice
		p.showClient(w, r, page)
		return
	}
	if err := p.remove(r.Context(), page.charge); err != nil {
		p.fail(w, r, err)
		return
	}
	p.show(w, r, ui.Screen{Page: "developers", Data: developersPage{Sandbox: p.c.Sandbox, Issuer: p.c.Issuer, Deleted: page.ID}})
}
