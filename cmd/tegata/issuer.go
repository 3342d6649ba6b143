package main

import (
	"context"
	"crypto/x509"
	"errors"
	"net/http"
	"path/filepath"
	"time"

	"tegata/holder/phone"
	"tegata/internal/attest"
	"tegata/internal/clock"
	"tegata/internal/httpd"
	"tegata/internal/pki"
	"tegata/internal/trace"
	"tegata/issuer/ca"
	"tegata/issuer/ra"
	"tegata/issuer/status"
	"tegata/sandbox"
	issuerstore "tegata/store/issuer"
)

// issuer is who vouches: authorities, registration, status.
type issuer struct {
	*room
	ca     *ca.CA
	ra     *ra.RA
	status *status.Handler
}

// openIssuer opens the issuer's room, making the authorities when they are
// missing.
func (b build) openIssuer(ctx context.Context, dir string, s settings, c *clock.Clock, roots []*x509.Certificate, sink trace.Sink) (*issuer, error) {
	r, err := b.openRoom(ctx, dir, "issuer", issuerstore.Schema)
	if err != nil {
		return nil, err
	}
	i := &issuer{room: r}
	if err := i.open(ctx, b, s, c, roots, sink); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return i, nil
}

func (i *issuer) open(ctx context.Context, b build, s settings, c *clock.Clock, roots []*x509.Certificate, sink trace.Sink) error {
	operator, err := s.operator()
	if err != nil {
		return err
	}
	store := issuerstore.New(i.db)
	ledger, err := status.OpenLedger(ctx, store, c.Now)
	if err != nil {
		return err
	}
	config := ca.Config{Operator: operator, Dir: filepath.Join(i.dir, "authorities"), Sealer: i.sealer, Store: store, Ledger: ledger,
		Now: c.Now, Files: b.files, Trace: sink}
	if i.ca, err = ca.Open(ctx, config); errors.Is(err, ca.ErrMissing) && b.making {
		i.ca, err = ca.Create(ctx, config)
	}
	if err != nil {
		return err
	}
	key, err := i.room.symmetric("pairwise")
	if err != nil {
		return err
	}
	i.ra, err = ra.New(ra.Config{
		URL: s.machine("issuer"), Arc: operator.Arc,
		Policy: ra.Policy{Roots: roots, MinLevel: attest.TrustedEnvironment, Models: supportedModels()},
		Terms:  ra.Terms{Version: sandbox.TermsVersion, JA: sandbox.TermsJA, EN: sandbox.TermsEN},
		Key:    key, LockCost: b.cost,
	}, store, i.ca, c.Now, ra.Options{Log: i.log, Trace: sink})
	if err != nil {
		return err
	}
	admit := func(ctx context.Context, authorization string, at time.Time) error {
		_, err := i.ra.Admit(ctx, authorization, pki.RoleVerifier, at)
		return err
	}
	i.status = status.NewHandler(ledger, store, i.ca, admit)
	i.status.Trace = sink
	return nil
}

// supportedModels is the authority's list: attested properties, not names.
func supportedModels() []ra.Model {
	var models []ra.Model
	for _, hw := range phone.SupportedModels() {
		models = append(models, ra.Model{Manufacturer: hw.Manufacturer, Model: hw.Model})
	}
	return models
}

// opsRoots are the authorities under which verifiers and parties stand.
func (i *issuer) opsRoots() []*x509.Certificate {
	var roots []*x509.Certificate
	for _, a := range i.ca.Issuers() {
		if a.Kind == pki.Ops {
			roots = append(roots, a.Certificate)
		}
	}
	return roots
}

// routes are the issuer's endpoints, and the sandbox's control that makes the
// responder fall silent.
func (i *issuer) routes(token httpd.OperatorToken) http.Handler {
	mux := http.NewServeMux()
	(&ra.Handler{RA: i.ra}).Register(mux)
	httpd.WithHealth(mux, i.status.Ready)
	mux.Handle("POST /sandbox/ocsp", token.Guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Stopped bool `json:"stopped"`
		}
		if err := httpd.ReadJSON(w, r, &body); err != nil {
			httpd.WriteProblem(w, r, err)
			return
		}
		i.status.StopOCSP(body.Stopped)
		httpd.WriteJSON(w, http.StatusOK, body)
	})))
	return i.status.Routes(mux)
}
