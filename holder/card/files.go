package card

import (
	"tegata/holder/apdu"
)

// fileKind is what an elementary file is made of, which decides the commands
// that work on it.
type fileKind int

const (
	transparent fileKind = iota // read by READ BINARY
	pinFile                     // internal: VERIFY, CHANGE REFERENCE DATA
	keyFile                     // internal: COMPUTE DIGITAL SIGNATURE
	opaque                      // internal, of no publicly known use
)

// A file is one elementary file of an application. Short identifiers are the low
// five bits of id.
type file struct {
	id   uint16
	kind fileKind
	// read decides who may read a transparent file.
	read rule
	// content returns a transparent file's bytes; empty when there is nothing.
	content func() []byte
	// secret is the form of a pinFile's new values.
	secret form
	// opener is the pinFile that must have been verified before a keyFile signs.
	opener uint16
}

// A rule decides over access, given what has been verified in this session.
type rule func(verified map[uint16]bool) bool

func free(map[uint16]bool) bool  { return true }
func never(map[uint16]bool) bool { return false }

// after admits once the secret in the given file has been verified.
func after(pin uint16) rule {
	return func(verified map[uint16]bool) bool { return verified[pin] }
}

// A directory is an application that is a table of files. The JPKI application
// is one; the card's others are to be written the same way.
type directory struct {
	name   string // prefix of its names in the state, "jpki"
	aid    []byte
	files  []file
	memory *memory

	// The session, guarded by Card.wire.
	current  *file
	verified map[uint16]bool
}

func (d *directory) AID() []byte { return d.aid }

// Select forgets what was verified and which file was current.
func (d *directory) Select() uint16 {
	d.Deselect()
	return apdu.SWOK
}

func (d *directory) Deselect() { d.current, d.verified = nil, map[uint16]bool{} }

func (d *directory) find(id uint16) *file {
	for i := range d.files {
		if d.files[i].id == id {
			return &d.files[i]
		}
	}
	return nil
}

func (d *directory) shortID(sfi byte) *file {
	for i := range d.files {
		if byte(d.files[i].id&0x1F) == sfi && d.files[i].id < 0x20 {
			return &d.files[i]
		}
	}
	return nil
}

// address resolves P2 of the commands that name a file by 80 (the current one)
// or 80|SFI (made current). A status word other than 9000 is the answer.
func (d *directory) address(p2 byte) (*file, uint16) {
	switch {
	case p2&0xE0 != 0x80 || p2&0x1F == 0x1F:
		return nil, apdu.SWWrongP1P2
	case p2 == apdu.CurrentFile:
		if d.current == nil {
			return nil, apdu.SWNoCurrentFile
		}
		return d.current, apdu.SWOK
	}
	f := d.shortID(p2 & 0x1F)
	if f == nil {
		return nil, apdu.SWNotFound
	}
	d.current = f
	return f, apdu.SWOK
}

// Process is the table of contents of the file commands.
func (d *directory) Process(cmd apdu.Command) apdu.Response {
	if sw := checkClass(cmd); sw != apdu.SWOK {
		return apdu.Status(sw)
	}
	switch uint16(cmd.CLA)<<8 | uint16(cmd.INS) {
	case 0x0000 | uint16(apdu.InsSelect):
		return d.selectFile(cmd)
	case 0x0000 | uint16(apdu.InsReadBinary):
		return d.readBinary(cmd)
	case 0x0000 | uint16(apdu.InsReadRecord):
		return d.readRecord(cmd)
	case 0x0000 | uint16(apdu.InsVerify):
		return d.verify(cmd)
	case 0x0000 | uint16(apdu.InsChangeReference):
		return d.change(cmd)
	case 0x0000 | uint16(apdu.InsGetChallenge):
		return challenge(cmd)
	case 0x0000 | uint16(apdu.InsInternalAuth):
		return d.internalAuthenticate(cmd)
	case 0x0000 | uint16(apdu.InsGetData):
		return apdu.Status(apdu.SWNoReference) // objects belong to the card manager
	case 0x8000 | uint16(apdu.InsSign):
		return d.sign(cmd)
	case 0x8000 | uint16(apdu.InsSetSessionKey):
		return apdu.Status(apdu.SWNotAllowed) // the text application's alone
	case 0x8000 | uint16(apdu.InsLastCommand):
		return apdu.Status(apdu.SWWrongLength) // an iPhone's alone
	}
	switch cmd.INS { // the right instruction under the wrong class
	case apdu.InsSelect, apdu.InsReadBinary, apdu.InsReadRecord, apdu.InsVerify, apdu.InsChangeReference,
		apdu.InsGetChallenge, apdu.InsInternalAuth, apdu.InsGetData, apdu.InsSign, apdu.InsSetSessionKey, apdu.InsLastCommand:
		return apdu.Status(apdu.SWUnknownClass)
	}
	return apdu.Status(apdu.SWUnknownIns)
}

// selectFile is SELECT below an application: `02` by file identifier. Selecting
// the master file without naming it works and changes nothing; by its name 3F00
// it is not there.
func (d *directory) selectFile(cmd apdu.Command) apdu.Response {
	switch {
	case cmd.P1 == 0x00 && len(cmd.Data) == 0:
		return apdu.OK(nil)
	case cmd.P1 == 0x00:
		return apdu.Status(apdu.SWNotFound)
	case cmd.P1 != 0x02 || cmd.P2 != 0x0C:
		return apdu.Status(apdu.SWWrongP1P2)
	case len(cmd.Data) != 2:
		return apdu.Status(apdu.SWWrongLength)
	}
	f := d.find(uint16(cmd.Data[0])<<8 | uint16(cmd.Data[1]))
	if f == nil {
		return apdu.Status(apdu.SWNotFound)
	}
	d.current = f
	return apdu.OK(nil)
}

// readBinary is READ BINARY with a 15-bit offset into the current file, or with
// a short identifier and an 8-bit offset.
func (d *directory) readBinary(cmd apdu.Command) apdu.Response {
	if len(cmd.Data) != 0 || cmd.Le == apdu.NoLe {
		return apdu.Status(apdu.SWWrongLength)
	}
	f, offset := d.current, int(cmd.P1)<<8|int(cmd.P2)
	if cmd.P1&0x80 != 0 {
		sfi := cmd.P1 & 0x1F
		if cmd.P1&0x60 != 0 || sfi == 0 || sfi == 0x1F {
			return apdu.Status(apdu.SWWrongP1P2)
		}
		if f = d.shortID(sfi); f == nil {
			return apdu.Status(apdu.SWNotFound)
		}
		d.current, offset = f, int(cmd.P2)
	}
	switch {
	case f == nil:
		return apdu.Status(apdu.SWNoCurrentFile)
	case f.kind != transparent:
		return apdu.Status(apdu.SWWrongFileType)
	case !f.read(d.verified):
		return apdu.Status(apdu.SWNotAllowed)
	}
	content := f.content()
	if offset >= len(content) { // 9000 without data would make readers loop
		return apdu.Status(apdu.SWWrongOffset)
	}
	content = content[offset:]
	return apdu.OK(content[:min(len(content), cmd.Le)])
}

// readRecord is READ RECORD: no application here has record files yet.
func (d *directory) readRecord(cmd apdu.Command) apdu.Response {
	f := d.current
	if sfi := cmd.P2 >> 3; sfi != 0 {
		if f = d.shortID(sfi); f == nil {
			return apdu.Status(apdu.SWNotFound)
		}
	}
	if f == nil {
		return apdu.Status(apdu.SWNoCurrentFile)
	}
	return apdu.Status(apdu.SWWrongFileType)
}

// internalAuthenticate is INTERNAL AUTHENTICATE. Only a key of the common
// application answers it; a key behind a PIN never does.
func (d *directory) internalAuthenticate(cmd apdu.Command) apdu.Response {
	if cmd.P1 != 0 {
		return apdu.Status(apdu.SWWrongP1P2)
	}
	f, sw := d.address(cmd.P2)
	switch {
	case sw != apdu.SWOK:
		return apdu.Status(sw)
	case f.kind != keyFile:
		return apdu.Status(apdu.SWWrongFileType)
	}
	return apdu.Status(apdu.SWNotAllowed)
}
