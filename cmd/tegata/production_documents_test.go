package main

import (
	"context"
	"crypto"
	"crypto/sha256"
	"fmt"
	"time"

	"tegata/internal/certpath"
	"tegata/internal/httpd"
	"tegata/internal/pki"
	"tegata/internal/tsp"
)

// askTime has production's time-stamp authority stamp something, and believes it as a
// stranger does: by the authorities that were installed.
func (w *world) askTime(ctx context.Context) error {
	client := tsp.Client{URL: w.conf.url("verifier") + "/tsa", HTTP: httpd.Client(10 * time.Second)}
	digest := sha256.Sum256([]byte("a signature"))
	token, _, err := client.Stamp(ctx, crypto.SHA256, digest[:])
	if err != nil {
		return err
	}
	anchors, err := openAnchors(w.conf.Trust)
	if err != nil {
		return err
	}
	path, err := certpath.Validate(token.Signed.Certificate, nil, opsAuthorities(anchors), certpath.ForRole(w.conf.arc, pki.RoleTSA), token.Time)
	if err != nil {
		return err
	}
	if off := time.Since(token.Proven()).Abs(); !token.Policy.Equal(w.conf.arc.TimeStampPolicy()) || off > time.Minute {
		return fmt.Errorf("the token of %s is off by %s, or under another policy", path[0].Subject, off)
	}
	fmt.Println("stamped")
	return nil
}
