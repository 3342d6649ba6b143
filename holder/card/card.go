package card

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"sync"

	"tegata/holder/apdu"
)

// A Card interprets commands. All methods may be called from any goroutine; one
// command is answered after the other. It is a reader.Token.
type Card struct {
	profile Profile
	token   Token
	memory  *memory

	// wire guards what a tap changes: the rest of this struct, and the sessions
	// of the applications.
	wire         sync.Mutex
	applications []Application // the first is the card manager, current after power-on
	current      Application
	pupi         [4]byte // drawn at each power-on, as Type B allows
}

// memory is the durable half of a card.
type memory struct {
	profile Profile
	// mu guards the fields below it. It may be taken while wire is held, never
	// the other way round.
	mu    sync.Mutex
	save  func(state []byte) error // durable on return
	state state
	keys  map[string]*rsa.PrivateKey // opened state.Keys
}

// commit makes next the state, durably. After an error the state is as before.
// The caller holds mu.
func (m *memory) commit(next state) error {
	if err := m.save(next.marshal()); err != nil {
		return err
	}
	m.state = next
	return nil
}

func (m *memory) file(name string) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state.Files[name]
}

// assemble builds the card around its memory.
func assemble(m *memory, compat Compat, more []Application) *Card {
	c := &Card{profile: m.state.Profile, token: m.state.Token, memory: m}
	jpki := newJPKI(m)
	if c.profile == ProfilePhone {
		c.applications = []Application{silence{}, &gated{inner: jpki, compat: compat}}
	} else {
		c.applications = []Application{&manager{profile: c.profile, token: c.token}, jpki}
	}
	c.applications = append(c.applications, more...)
	c.restart()
	return c
}

// Profile says whether this is a card or a phone's element.
func (c *Card) Profile() Profile { return c.profile }

// Token is what is printed on the token.
func (c *Card) Token() Token { return c.token }

// ATR is the answer to reset, of at most 33 bytes.
func (c *Card) ATR() []byte { return c.profile.atr() }

// PowerOn starts a session: nothing is verified, the card manager is current.
func (c *Card) PowerOn() { c.lockAndRestart() }

// PowerOff ends the session.
func (c *Card) PowerOff() { c.lockAndRestart() }

// Reset is a warm reset. A real card keeps what was verified over it; ours
// forgets, which no terminal may rely on not happening.
func (c *Card) Reset() { c.lockAndRestart() }

func (c *Card) lockAndRestart() {
	c.wire.Lock()
	defer c.wire.Unlock()
	c.restart()
}

func (c *Card) restart() {
	for _, a := range c.applications {
		a.Deselect()
	}
	c.current = c.applications[0]
	rand.Read(c.pupi[:])
}

// Transmit answers one command. It takes any bytes, and the answer is always a
// response of at least 2 bytes. What a VERIFY changed is durable on return.
func (c *Card) Transmit(command []byte) []byte {
	c.wire.Lock()
	defer c.wire.Unlock()
	parsed, err := apdu.ParseCommand(command)
	if err != nil {
		return apdu.Status(apdu.SWWrongLength).Bytes()
	}
	return c.process(parsed).Bytes()
}

// process answers what belongs to the card as a whole and hands the rest to the
// current application.
func (c *Card) process(cmd apdu.Command) apdu.Response {
	switch {
	case cmd.CLA == 0xFF:
		return c.pseudo(cmd)
	case cmd.CLA == 0x00 && cmd.INS == apdu.InsSelect && cmd.P1 == 0x04:
		return c.selectApplication(cmd)
	}
	return c.current.Process(cmd)
}

// minAID is the length of a registered application provider's identifier.
const minAID = 5 // bytes

// selectApplication is SELECT by DF name. An unknown name must be 6A82: programs
// that try many cards' names take a 9000 for their own card.
func (c *Card) selectApplication(cmd apdu.Command) apdu.Response {
	found := c.find(cmd.Data)
	if found == nil {
		return apdu.Status(apdu.SWNotFound)
	}
	// P2 0C: no file control information; 00: return it.
	if cmd.P2 != 0x0C && cmd.P2 != 0x00 {
		return apdu.Status(apdu.SWWrongP1P2)
	}
	if sw := found.Select(); sw != apdu.SWOK {
		return apdu.Status(sw)
	}
	if c.current != found {
		c.current.Deselect()
		c.current = found
	}
	if cmd.P2 == 0x0C || cmd.Le == apdu.NoLe {
		return apdu.OK(nil)
	}
	name := apdu.TLV{Tag: 0x84, Value: found.AID()}.Bytes()
	information := apdu.TLV{Tag: 0x6F, Value: name}.Bytes()
	return apdu.OK(information[:min(len(information), cmd.Le)])
}

// find matches a name or the beginning of one (JICSAP 4.2). Assumption: a
// beginning has at least the provider's five bytes.
func (c *Card) find(name []byte) Application {
	if len(name) < minAID {
		return nil
	}
	for _, a := range c.applications {
		if bytes.HasPrefix(a.AID(), name) {
			return a
		}
	}
	return nil
}

// challenge is GET CHALLENGE, which every application answers: exactly as many
// random bytes as asked for, up to 256, and not in extended form.
func challenge(cmd apdu.Command) apdu.Response {
	switch {
	case cmd.P1 != 0 || cmd.P2 != 0:
		return apdu.Status(apdu.SWWrongP1P2)
	case len(cmd.Data) != 0 || cmd.Le == apdu.NoLe:
		return apdu.Status(apdu.SWWrongLength)
	case cmd.Extended:
		return apdu.Status(apdu.SWConditions)
	}
	b := make([]byte, cmd.Le)
	rand.Read(b)
	return apdu.OK(b)
}

// pseudo answers what PC/SC part 3 addresses to a contactless reader and vpcd
// passes to the card: FF CA 00 00, the card's identifier. It is drawn anew at
// each power-on, so that it identifies nobody.
func (c *Card) pseudo(cmd apdu.Command) apdu.Response {
	switch {
	case cmd.INS != apdu.InsGetData:
		return apdu.Status(apdu.SWUnknownIns)
	case cmd.P1 != 0 || cmd.P2 != 0:
		return apdu.Status(apdu.SWNoFunction)
	case len(cmd.Data) != 0 || cmd.Le == apdu.NoLe || cmd.Le < len(c.pupi):
		return apdu.Status(apdu.SWWrongLength)
	}
	return apdu.OK(c.pupi[:])
}
