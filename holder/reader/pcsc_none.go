//go:build !pcsc

package reader

import (
	"context"
	"errors"
)

// ErrNoPCSC says that this program was built without the system's smart card
// service; `go build -tags pcsc` includes it and needs libpcsclite-dev.
var ErrNoPCSC = errors.New("reader: built without PC/SC")

// ListPCSC returns the names of the system's readers: ErrNoPCSC in this build.
func ListPCSC() ([]string, error) { return nil, ErrNoPCSC }

// OpenPCSC opens the card in a reader of the system: ErrNoPCSC in this build.
func OpenPCSC(context.Context, string) (*Tap, error) { return nil, ErrNoPCSC }
