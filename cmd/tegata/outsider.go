package main

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"time"

	"github.com/go-jose/go-jose/v4"

	"tegata/internal/clock"
	"tegata/internal/secret"
)

// What the services that know OpenID Connect alone have in common here: one key each, by
// which they authenticate as clients and sign letters to each other.

// clientKeyID is the kid of that key.
const clientKeyID = "k1"

// outsiderTimeout is for one exchange of theirs with somebody else.
const outsiderTimeout = 15 * time.Second

// clientKey is a role's own key as a client.
func (r *room) clientKey() (*ecdsa.PrivateKey, error) {
	signer, err := r.keys.OpenOrMake("client", secret.P256)
	if err != nil {
		return nil, err
	}
	key, ok := signer.(*ecdsa.PrivateKey)
	if !ok {
		return nil, errors.New("cmd: the client's key of " + r.role + " is not on P-256")
	}
	return key, nil
}

// publicKeys are what a client registers, and others read its letters by.
func publicKeys(key *ecdsa.PrivateKey) jose.JSONWebKeySet {
	return jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: clientKeyID, Algorithm: "ES256", Use: "sig"}}}
}

// informed is the due work of somebody who asks the verifier: where a clock is moved on, it
// waits until the verifier has heard of the new time, before which it says nothing.
type informed struct {
	clock.Work
	wait func(context.Context) error
}

func (w informed) RunDue(ctx context.Context, at time.Time) error {
	// A verifier that stays without news is for the work to find: then nothing is decided.
	patient, cancel := context.WithTimeout(ctx, outsiderTimeout)
	defer cancel()
	if err := w.wait(patient); err != nil && ctx.Err() != nil {
		return err
	}
	return w.Work.RunDue(ctx, at)
}
