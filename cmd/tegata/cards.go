package main

import (
	"context"
	"crypto/x509"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"tegata/holder/card"
	"tegata/holder/rack"
	"tegata/internal/certpath"
	"tegata/internal/clock"
	"tegata/internal/httpd"
	"tegata/internal/secret"
	"tegata/internal/trace"
	"tegata/sandbox"
)

// cardsRole is the sandbox's rack of cards.
type cardsRole struct {
	*rack.Rack
	metrics *httpd.Metrics
}

// cardsFolder is where a sandbox's cards are.
const cardsFolder = "cards"

// openCards opens the box of cards, or makes it.
func (b build) openCards(dir string, secrets *sandbox.Secrets, c *clock.Clock, sink trace.Sink) (*cardsRole, error) {
	path := filepath.Join(dir, cardsFolder)
	open := card.OpenBox
	if _, err := os.Lstat(filepath.Join(path, "key")); errors.Is(err, fs.ErrNotExist) {
		open = card.CreateBox
	}
	box, err := open(path, b.files)
	if err != nil {
		return nil, err
	}
	return &cardsRole{metrics: httpd.NewMetrics(), Rack: rack.New(box, drawn{secrets}, rack.Options{Judge: judge(c), Cost: b.cost, Now: c.Now, Log: b.log.With("role", "cards"), Trace: sink})}, nil
}

func (r *cardsRole) routes(token httpd.OperatorToken) http.Handler {
	mux := http.NewServeMux()
	httpd.WithHealth(mux, func(context.Context) error { return nil })
	httpd.WithMetrics(mux, r.metrics)
	mux.Handle("/", r.Routes(token))
	return mux
}

// drawn gives the rack the sandbox's secrets in their own types.
type drawn struct{ secrets *sandbox.Secrets }

func (d drawn) ForCard(id string) (rack.CardSecrets, error) {
	c, err := d.secrets.Card(id)
	if err != nil {
		return rack.CardSecrets{}, err
	}
	password, err := secret.ParsePassword(c.CardSignaturePassword)
	if err != nil {
		return rack.CardSecrets{}, err
	}
	pin, err := secret.ParsePIN(c.CardAuthPIN)
	return rack.CardSecrets{SignPassword: password, AuthPIN: pin}, err
}

// judge says what a stranger learns about a card's certificate: its time, and the
// answer of the OCSP responder that it names.
func judge(c *clock.Clock) rack.Judge {
	source := certpath.OCSP{Client: httpd.Client(5 * time.Second)}
	return func(ctx context.Context, certificate, authority *x509.Certificate) (string, error) {
		if c.Now().After(certificate.NotAfter) {
			return "expired", nil
		}
		s, err := source.Status(ctx, certificate, authority, c.Now())
		if err != nil {
			return "", err
		}
		return string(s.State), nil
	}
}
