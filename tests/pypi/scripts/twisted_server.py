from twisted.internet import protocol, reactor
from twisted.protocols.basic import LineReceiver


class Upper(LineReceiver):
    def lineReceived(self, line):
        reactor.callLater(0.5, self.sendLine, line.upper())


class UpperFactory(protocol.Factory):
    protocol = Upper


reactor.listenTCP(8000, UpperFactory())
reactor.run()
