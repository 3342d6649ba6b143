package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"tegata/holder/eid"
	"tegata/holder/reader"
)

// useSlot is a terminal of the script's own: slot NAME opens one and sets $NAME to
// its address, slot read prints what is held to it.
func useSlot(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: slot NAME | slot read")
	}
	j := stateOf(ts)
	if args[0] != "read" {
		slot, err := reader.Listen("127.0.0.1:0")
		ts.Check(err)
		ts.Defer(func() { slot.Close() })
		j.slot = slot
		ts.Setenv(args[0], slot.Addr())
		return
	}
	if j.slot == nil {
		ts.Fatalf("there is no slot")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	tap, err := j.slot.Wait(ctx)
	ts.Check(err)
	card, err := eid.Open(ctx, tap)
	ts.Check(err)
	fmt.Fprintln(ts.Stdout(), card.Token())
}

// between is a connection in the middle that ends after so many bytes of the card:
// a hand that takes a card away. It sets $NAME to where the card is held.
//
//	between NAME READER BYTES
func between(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: between NAME READER BYTES")
	}
	n, err := strconv.ParseInt(args[2], 10, 64)
	ts.Check(err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { l.Close() })
	ts.Setenv(args[0], l.Addr().String())
	go func() {
		card, err := l.Accept()
		if err != nil {
			return
		}
		defer card.Close()
		slot, err := net.Dial("tcp", args[1])
		if err != nil {
			return
		}
		defer slot.Close()
		go io.Copy(card, slot)
		io.CopyN(slot, card, n)
	}()
}
