package main

import (
	"context"
	"crypto/x509"
	"errors"
	"io/fs"
	"net/http"
	"path/filepath"
	"time"

	"tegata/holder/phone"
	"tegata/internal/attest"
	"tegata/internal/httpd"
	"tegata/internal/pki"
	"tegata/issuer/ca"
	"tegata/issuer/mail"
	"tegata/issuer/profile"
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
	mail   *mail.Work // nil: notices wait in the outbox
}

// issuerRules are what the operator of an issuer decides.
type issuerRules struct {
	operator   profile.Operator
	policy     ra.Policy
	terms      ra.Terms
	algorithms map[pki.Kind]profile.Algorithm // of authorities that are made; nil: the default
	ledger     []status.Option
}

// openIssuer opens the issuer's room, making the authorities when they are
// missing and the build makes things.
func (b build) openIssuer(ctx context.Context, at site, rules issuerRules) (*issuer, error) {
	r, err := b.openRoom(ctx, at.base, "issuer", issuerstore.Schema)
	if err != nil {
		return nil, err
	}
	i := &issuer{room: r}
	if err := i.open(ctx, b, at, rules); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return i, nil
}

func (i *issuer) open(ctx context.Context, b build, at site, rules issuerRules) error {
	store := issuerstore.New(i.db)
	ledger, err := status.OpenLedger(ctx, store, at.now, rules.ledger...)
	if err != nil {
		return err
	}
	config := ca.Config{Operator: rules.operator, Dir: filepath.Join(i.dir, "authorities"), Sealer: i.sealer, Store: store, Ledger: ledger,
		Now: at.now, Files: b.files, Trace: at.sink, Algorithms: rules.algorithms}
	if i.ca, err = ca.Open(ctx, config); errors.Is(err, ca.ErrMissing) && b.making && i.room.make {
		i.ca, err = ca.Create(ctx, config)
	}
	switch {
	case errors.Is(err, ca.ErrMissing) || errors.Is(err, fs.ErrNotExist):
		return usagef("%v (in %s): restore it; another one in its place would be another authority", err, config.Dir)
	case errors.Is(err, ca.ErrOtherOperator), errors.Is(err, ca.ErrOtherSide):
		return usagef("%v", err)
	case err != nil:
		return err
	}
	key, err := i.room.symmetric("pairwise")
	if err != nil {
		return err
	}
	i.ra, err = ra.New(ra.Config{
		URL: at.machine("issuer"), Arc: rules.operator.Arc, Policy: rules.policy, Terms: rules.terms, Key: key, LockCost: b.cost,
	}, store, i.ca, at.now, ra.Options{Log: i.log, Trace: at.sink})
	if err != nil {
		return err
	}
	admit := func(ctx context.Context, authorization string, at time.Time) error {
		_, err := i.ra.Admit(ctx, authorization, pki.RoleVerifier, at)
		return err
	}
	i.status = status.NewHandler(ledger, store, i.ca, admit)
	i.status.Trace = at.sink
	return nil
}

// sandboxRules are those of the sandbox's issuer: phones of its own maker, on a list
// of attested properties and not of names.
func (s settings) sandboxRules(maker *x509.Certificate) issuerRules {
	policy := ra.Policy{Roots: []*x509.Certificate{maker}, MinLevel: attest.TrustedEnvironment}
	for _, l := range phone.SupportedModels() {
		policy.Models = append(policy.Models, ra.Model{Manufacturer: l.Manufacturer, Model: l.Model})
	}
	return issuerRules{operator: s.operator(), policy: policy,
		terms: ra.Terms{Version: sandbox.TermsVersion, JA: sandbox.TermsJA, EN: sandbox.TermsEN}}
}

// guard is h behind the checks that every door has. What is public answers by any
// name.
func (i *issuer) guard(names []string, h http.Handler) http.Handler {
	return httpd.Guard(httpd.GuardOptions{Names: names, Public: status.Public, MaxBody: 256 << 10, Log: i.log, Metrics: i.metrics}, h)
}

// routes are the issuer's endpoints.
func (i *issuer) routes() *httpd.Mux {
	mux := httpd.NewMux()
	(&ra.Handler{RA: i.ra}).Register(mux)
	httpd.WithHealth(mux, i.status.Ready)
	httpd.WithMetrics(mux, i.metrics)
	withOpenAPI(mux, "issuer")
	return mux
}

// sandboxRoutes are routes with the sandbox's control that makes the responder fall
// silent.
func (i *issuer) sandboxRoutes(token httpd.OperatorToken) http.Handler {
	mux := i.routes()
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
