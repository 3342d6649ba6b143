package main

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"tegata/internal/certpath"
	"tegata/internal/httpd"
	"tegata/internal/pki"
	"tegata/internal/tsp"
	"tegata/issuer/profile"
	verifierstore "tegata/store/verifier"
	"tegata/verifier/document"
	"tegata/verifier/gateway"
	"tegata/verifier/oidc"
	"tegata/verifier/tsa"
)

// tsaLabel names the time-stamp authority's key in the verifier's room.
const tsaLabel = "tsa"

// tsaParty is what the time-stamp authority's certificate says of it.
func tsaParty(at places) profile.Party {
	return profile.Party{ID: "tsa", Role: pki.RoleTSA, Origins: []string{at.machine("verifier")}}
}

// openDocuments opens what the verifier has for signed documents: verdicts, and time-
// stamps. In production the latter begin when an operator has installed the
// certificate; a verifier from before goes on without.
func (v *verifier) openDocuments(ctx context.Context, at site, store *verifierstore.Store) error {
	v.document = &document.Handler{
		Checker: document.Checker{Arc: at.arc, Anchors: documentAnchors(at.anchors),
			Status: certpath.Feed{Index: v.follower.Index, Label: gateway.Labels(at.anchors)}},
		OCSP: certpath.OCSP{Client: httpd.Client(5 * time.Second)}, Now: at.now,
		Enter: v.mayVerify,
	}
	if !at.sandbox {
		if _, err := os.Lstat(filepath.Join(v.keys.Dir, tsaLabel+".pem")); errors.Is(err, fs.ErrNotExist) {
			v.log.Warn("no time-stamps are given: no certificate is installed for the key " + tsaLabel)
			return nil
		}
	}
	key, err := at.certify(ctx, v.room, tsaLabel, tsaParty(at))
	if err != nil {
		return err
	}
	authority := tsp.Authority{Signer: key.signer, Chain: key.chain, Policy: at.arc.TimeStampPolicy(), Accuracy: time.Second}
	v.tsa, err = tsa.New(authority, store, at.now, v.log)
	return err
}

// mayVerify lets in parties with a key under the operations authority, and clients of the
// OpenID Provider with a token of their own.
func (v *verifier) mayVerify(w http.ResponseWriter, r *http.Request, at time.Time) bool {
	if v.openid != nil && oidc.ByToken(r) {
		return v.openid.MayVerify(w, r)
	}
	_, err := v.gateway.Enter(r.Context(), r.Header.Get("Authorization"), at)
	if err != nil {
		httpd.WriteProblem(w, r, err)
	}
	return err == nil
}

func documentAnchors(all []gateway.Anchor) (list []document.Anchor) {
	for _, a := range all {
		list = append(list, document.Anchor{Kind: a.Kind, Certificate: a.Certificate})
	}
	return list
}

// guardedDocuments is guarded with room for the documents of POST /v1/verify; all
// other endpoints of the verifier have narrower limits of their own.
func (b build) guardedDocuments(at places, m *httpd.Metrics, h http.Handler) http.Handler {
	return httpd.Guard(httpd.GuardOptions{Names: at.names("verifier"), MaxBody: document.MaxBody, Log: b.log.With("role", "verifier"), Metrics: m}, h)
}
