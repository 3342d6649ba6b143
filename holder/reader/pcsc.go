//go:build pcsc

package reader

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/ebfe/scard"
)

// ErrNoPCSC says that this program was built without the system's smart card
// service. This build has it.
var ErrNoPCSC = errors.New("reader: built without PC/SC")

// ListPCSC returns the names of the system's readers, none included. An error
// means that the smart card service does not answer.
func ListPCSC() ([]string, error) {
	ctx, err := scard.EstablishContext()
	if err != nil {
		return nil, fmt.Errorf("reader: PC/SC: %w", err)
	}
	defer ctx.Release()
	names, err := ctx.ListReaders()
	if errors.Is(err, scard.ErrNoReadersAvailable) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reader: PC/SC: %w", err)
	}
	return names, nil
}

// OpenPCSC opens the card in the system's reader whose name is, or begins with,
// name, for this program alone. It waits for a card until ctx ends.
func OpenPCSC(ctx context.Context, name string) (*Tap, error) {
	service, err := scard.EstablishContext()
	if err != nil {
		return nil, fmt.Errorf("reader: PC/SC: %w", err)
	}
	tap, err := openPCSC(ctx, service, name)
	if err != nil {
		service.Release()
		return nil, fmt.Errorf("reader: PC/SC: %w", err)
	}
	return tap, nil
}

func openPCSC(ctx context.Context, service *scard.Context, name string) (*Tap, error) {
	names, err := service.ListReaders()
	if err != nil {
		return nil, err
	}
	found := ""
	for _, n := range names {
		if strings.HasPrefix(n, name) {
			found = n
			break
		}
	}
	if found == "" {
		return nil, fmt.Errorf("no reader is called %q", name)
	}
	if err := waitPresent(ctx, service, found); err != nil {
		return nil, err
	}
	card, err := service.Connect(found, scard.ShareExclusive, scard.ProtocolAny)
	if err != nil {
		return nil, err
	}
	status, err := card.Status()
	if err != nil {
		card.Disconnect(scard.ResetCard)
		return nil, err
	}
	h := &handle{service: service, card: card, name: found, removed: make(chan struct{}), stop: make(chan struct{})}
	go h.watch()
	return &Tap{link: h, atr: status.Atr, removed: h.removed}, nil
}

// poll is how often the service is asked whether anything changed, so that ctx
// is noticed.
const poll = 250 * time.Millisecond

// waitPresent returns when there is a card in the reader.
func waitPresent(ctx context.Context, service *scard.Context, name string) error {
	states := []scard.ReaderState{{Reader: name, CurrentState: scard.StateUnaware}}
	for {
		if err := service.GetStatusChange(states, poll); err != nil && !errors.Is(err, scard.ErrTimeout) {
			return err
		}
		if states[0].EventState&scard.StatePresent != 0 {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		states[0].CurrentState = states[0].EventState &^ scard.StateChanged
	}
}

// handle is a link over PC/SC.
type handle struct {
	service *scard.Context
	card    *scard.Card
	name    string
	removed chan struct{}
	stop    chan struct{} // closed by close
	once    sync.Once
}

func (h *handle) transmit(ctx context.Context, command []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return h.card.Transmit(command) // the service has a time limit of its own
}

func (h *handle) reset(context.Context) error {
	return h.card.Reconnect(scard.ShareExclusive, scard.ProtocolAny, scard.ResetCard)
}

func (h *handle) close() { h.once.Do(func() { close(h.stop) }) }

// watch ends the tap when the card is taken away or close is called, and gives
// everything back. A context of its own, since one that waits serves nobody else.
func (h *handle) watch() {
	defer close(h.removed)
	defer h.service.Release()
	defer h.card.Disconnect(scard.ResetCard)
	service, err := scard.EstablishContext()
	if err != nil {
		return
	}
	defer service.Release()
	states := []scard.ReaderState{{Reader: h.name, CurrentState: scard.StatePresent}}
	for {
		select {
		case <-h.stop:
			return
		default:
		}
		err := service.GetStatusChange(states, poll)
		if err != nil && !errors.Is(err, scard.ErrTimeout) {
			return
		}
		if err == nil && states[0].EventState&scard.StatePresent == 0 {
			return
		}
		if err == nil {
			states[0].CurrentState = states[0].EventState &^ scard.StateChanged
		}
	}
}
