package main

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"time"

	"tegata/holder/phone"
	"tegata/holder/phone/pages"
	"tegata/internal/attest"
	"tegata/internal/certpath"
	"tegata/internal/httpd"
	"tegata/sandbox"
	phonestore "tegata/store/phone"
)

// phoneRole is the phones of this machine.
type phoneRole struct {
	*room
	phones *phone.Phones
	pages  *pages.Handler
}

// openPhones opens the phones' room. What a phone knows of the world is the
// authority's URL and the operations authority's certificates.
func (b build) openPhones(ctx context.Context, at site, maker attest.Maker) (*phoneRole, error) {
	r, err := b.openRoom(ctx, at.base, "phone", phonestore.Schema)
	if err != nil {
		return nil, err
	}
	p := &phoneRole{room: r}
	p.phones = phone.New(phone.Config{
		Store: phonestore.New(r.db), Dir: filepath.Join(r.dir, "elements"), Files: b.files, Sealer: r.sealer, Now: at.now, Arc: at.arc,
		Cost: b.cost, Origin: at.page("phone"), Issuer: at.machine("issuer"), Receipts: at.page("portal") + "/receipt", Client: httpd.Client(10 * time.Second), Ops: opsAuthorities(at.anchors),
		Verifiers: []string{at.machine("verifier")},
		Status:    certpath.OCSP{Client: httpd.Client(5 * time.Second)}, Maker: maker, Models: phone.SandboxModels(),
		Trace: at.sink, Log: r.log, GenerateKey: b.generateKey,
	})
	if p.pages, err = pages.New(pages.Options{Phones: pages.Machine{Phones: p.phones}, Models: phone.SandboxModels(),
		Origin: at.page("phone"), Hold: at.page("street") + "/hold", Suspend: at.page("portal") + "/lost", Now: at.now, Log: r.log, Sandbox: at.sandbox}); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// Close closes the phones and their room.
func (p *phoneRole) Close() error { return errors.Join(p.phones.Close(), p.room.Close()) }

// routes are the phones' pages, and the door for scripts.
func (p *phoneRole) routes(at places, token httpd.OperatorToken) http.Handler {
	mux := http.NewServeMux()
	httpd.WithHealth(mux, p.db.Ping)
	httpd.WithMetrics(mux, p.metrics)
	door := (&phone.Door{Phones: p.phones, Token: token}).Routes()
	mux.Handle("/v1/", door)
	mux.Handle("/", p.pages.Routes())
	// People type their secrets here.
	return httpd.Erased(httpd.Guard(httpd.GuardOptions{Names: at.names("phone"), Pages: true, Camera: true, Log: p.log, Metrics: p.metrics, Refuse: p.pages.Refuse, MaxBody: 4 << 20}, mux))
}

// makePhone gives a person of the sandbox the phone that the data say, and has it
// enrolled where they say so: with the card held to it, as the person would.
func (n *neighbourhood) makePhone(ctx context.Context, p sandbox.Person) error {
	if p.Phone() == "" {
		return nil
	}
	holder := sandbox.Holder{Phones: n.settings.machine("phone"), Cards: n.settings.machine("cards"), Token: n.token, Client: httpd.Client(60 * time.Second)}
	if err := holder.Phone(ctx, p); err != nil {
		return err
	}
	if !p.RegisteredPhone {
		return nil
	}
	card, err := n.secrets.Card(p.ID)
	if err != nil {
		return err
	}
	own, err := n.secrets.Phone(p.Phone())
	if err != nil {
		return err
	}
	code, err := holder.Enrol(ctx, p, card, own)
	if err != nil || code == "" {
		return err
	}
	if err := n.secrets.NoteLockCode(p.Phone(), code); err != nil {
		return err
	}
	return holder.Noted(ctx, p)
}
