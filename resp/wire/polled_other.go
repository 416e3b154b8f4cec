//go:build !linux

package wire

import (
	"errors"
	"net"
	"syscall"
)

// A Poll is Linux's.
type Poll struct{ Stay bool }

// A PolledConn is never made.
type PolledConn struct {
	net.Conn
	Owner any
}

// PollDescriptors is Linux's.
const PollDescriptors = 0

// NewPoll says that there is none.
func NewPoll() (*Poll, error) { return nil, errors.ErrUnsupported }

// Take is never called, and so on.
func (p *Poll) Take(*net.TCPConn) (*PolledConn, error) { return nil, errors.ErrUnsupported }

// Wait is Linux's.
func (p *Poll) Wait(ready []*PolledConn, _ bool) ([]*PolledConn, bool) { return ready, true }

// End is Linux's.
func (p *Poll) End() {}

// Join is Linux's.
func (c *PolledConn) Join(bool) {}

// Leave is Linux's.
func (c *PolledConn) Leave() {}

// Retire is Linux's.
func (c *PolledConn) Retire() {}

// Queue is Linux's.
func (c *PolledConn) Queue() bool { return false }

// Joined is Linux's.
func (c *PolledConn) Joined() bool { return false }

// TakeUp is Linux's.
func (c *PolledConn) TakeUp() bool { return false }

// IsClosed is Linux's.
func (c *PolledConn) IsClosed() bool { return false }

func (c *PolledConn) mayHaveMore() bool { return false }

func (c *PolledConn) receive(intake, bool) (n, room int, err error) {
	return 0, 0, errors.ErrUnsupported
}

func (c *PolledConn) tryWrite([]byte) (n int, err error) { return 0, errors.ErrUnsupported }

func (c *PolledConn) raw() syscall.RawConn { return nil }
