from twisted.internet import protocol, reactor
from twisted.protocols.basic import LineReceiver


class Client(LineReceiver):
    seen = 0

    def connectionMade(self):
        self.sendLine(b"hello")
        self.sendLine(b"world")

    def lineReceived(self, line):
        print("got", line.decode())
        self.seen += 1
        if self.seen == 2:
            self.transport.loseConnection()


class ClientFactory(protocol.ClientFactory):
    protocol = Client

    def clientConnectionLost(self, connector, reason):
        print("lost", reason.type.__name__)
        reactor.stop()

    def clientConnectionFailed(self, connector, reason):
        print("failed", reason.getErrorMessage())
        reactor.stop()


reactor.connectTCP("10.0.0.1", 8000, ClientFactory(), timeout=60)
reactor.run()
