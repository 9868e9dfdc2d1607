package sip

import "time"

// KeepAlive sends CRLFCRLF whenever nothing was sent for interval, counted from the last message sent or else from the
// start of the connection (MS-CONMGMT; RFC 5626 section 3.5.1). The peer's answer, if any, is not awaited. 0 stops it.
// There is a timer and no goroutine.
func (c *Conn) KeepAlive(interval time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.interval = max(interval, 0)
	if c.keepAlive != nil {
		c.keepAlive.Stop()
		c.keepAlive = nil
	}
	if c.interval == 0 || c.err != nil {
		return
	}
	c.keepAlive = time.AfterFunc(time.Until(c.lastSent.Add(c.interval)), c.ping)
}

// ping is due unless something was sent since the timer was set; then the timer goes on to the new instant.
func (c *Conn) ping() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.interval == 0 || c.err != nil {
		return
	}
	wait := time.Until(c.lastSent.Add(c.interval))
	if wait <= 0 {
		wait = c.interval
		if !c.writing { // what waits to be written shows as much as a keep-alive would
			c.enqueue([]byte("\r\n\r\n"))
		}
	}
	c.keepAlive.Reset(wait)
}
