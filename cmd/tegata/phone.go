package main

import (
	"context"

	"tegata/sandbox"
)

type phoneRole struct{}
type portalRole struct{}

func (n *neighbourhood) makePhone(context.Context, sandbox.Person) error { return nil }
