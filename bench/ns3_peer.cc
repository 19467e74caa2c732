// The scenarios of bench/scenarios.py for ns-3: host - router - host, 1 Gbit/s and 1 ms a link.
//
// `python -m bench.peers` compiles and runs this where ns-3 is installed. This file is our own and under this
// repository's licence. ns-3 is under GPL-2.0-only: what a compiler makes of both is for the machine it is built on,
// it is never part of a release, and nothing of ours needs it.
//
//     ns3_peer bulk BYTES LOSS BUFFER      one TCP connection that carries BYTES; LOSS per frame on the first link
//     ns3_peer requests CLIENTS EACH SIZE  connections that each ask EACH times for SIZE bytes with SIZE bytes
//     ns3_peer udp COUNT SIZE              round trips, one after the other
//
// Prints {"seconds": of the run alone, "CPU s": of its process time, "done": bytes, requests or round trips,
// "hops": frames received over a link}.

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <map>
#include <string>

#include "ns3/core-module.h"
#include "ns3/internet-module.h"
#include "ns3/network-module.h"
#include "ns3/point-to-point-module.h"

namespace
{

using ns3::Ptr;
using ns3::Socket;

constexpr uint16_t PORT = 5000;

uint64_t g_done = 0;
uint64_t g_hops = 0;

void
CountHop(Ptr<const ns3::Packet>)
{
    ++g_hops;
}

void
CloseToo(Ptr<Socket> socket)
{
    socket->Close();
}

/// The three nodes; `serverAddress` is what the client connects to.
struct Line
{
    ns3::NodeContainer nodes;
    ns3::Ipv4Address serverAddress;

    explicit Line(double loss)
    {
        nodes.Create(3);
        ns3::InternetStackHelper stack;
        stack.Install(nodes);
        ns3::PointToPointHelper cable;
        cable.SetDeviceAttribute("DataRate", ns3::StringValue("1Gbps"));
        cable.SetChannelAttribute("Delay", ns3::StringValue("1ms"));
        cable.SetQueue("ns3::DropTailQueue", "MaxSize", ns3::StringValue("1000p"));
        const auto first = cable.Install(nodes.Get(0), nodes.Get(1));
        const auto second = cable.Install(nodes.Get(1), nodes.Get(2));
        for (uint32_t end = 0; end < 2; ++end)
        {
            if (loss > 0)
            {
                auto errors = ns3::CreateObject<ns3::RateErrorModel>();
                errors->SetUnit(ns3::RateErrorModel::ERROR_UNIT_PACKET);
                errors->SetRate(loss);
                first.Get(end)->SetAttribute("ReceiveErrorModel", ns3::PointerValue(errors));
            }
            for (const auto& devices : {first, second})
            {
                devices.Get(end)->TraceConnectWithoutContext("PhyRxEnd", ns3::MakeCallback(&CountHop));
            }
        }
        ns3::Ipv4AddressHelper addresses("10.0.1.0", "255.255.255.0");
        const auto left = addresses.Assign(first);
        addresses.SetBase("10.0.2.0", "255.255.255.0");
        const auto right = addresses.Assign(second);
        serverAddress = right.GetAddress(1);
        ns3::Ipv4StaticRoutingHelper routes;
        routes.GetStaticRouting(nodes.Get(0)->GetObject<ns3::Ipv4>())
            ->SetDefaultRoute(left.GetAddress(1), 1);
        routes.GetStaticRouting(nodes.Get(2)->GetObject<ns3::Ipv4>())
            ->SetDefaultRoute(right.GetAddress(0), 1);
    }

    Ptr<Socket> Open(uint32_t node, const char* kind) const
    {
        return Socket::CreateSocket(nodes.Get(node), ns3::TypeId::LookupByName(kind));
    }
};

const char* const TCP = "ns3::TcpSocketFactory";
const char* const UDP = "ns3::UdpSocketFactory";

// -- bulk -----------------------------------------------------------------------------------------------------------

uint64_t g_left = 0;

void
Fill(Ptr<Socket> socket, uint32_t room)
{
    while (g_left && room)
    {
        const auto size = static_cast<uint32_t>(std::min<uint64_t>({g_left, room, 1U << 18}));
        const int sent = socket->Send(ns3::Create<ns3::Packet>(size));
        if (sent <= 0)
        {
            return;
        }
        g_left -= sent;
        room = socket->GetTxAvailable();
    }
    if (!g_left)
    {
        socket->Close();
    }
}

void
FillFirst(Ptr<Socket> socket)
{
    Fill(socket, socket->GetTxAvailable());
}

void
Swallow(Ptr<Socket> socket)
{
    while (auto packet = socket->Recv())
    {
        if (!packet->GetSize())
        {
            return;
        }
        g_done += packet->GetSize();
    }
}

void
AcceptSink(Ptr<Socket> socket, const ns3::Address&)
{
    socket->SetRecvCallback(ns3::MakeCallback(&Swallow));
    socket->SetCloseCallbacks(ns3::MakeCallback(&CloseToo), ns3::MakeCallback(&CloseToo));
}

// -- requests -------------------------------------------------------------------------------------------------------

uint32_t g_size = 0;
uint32_t g_each = 0;
std::map<Ptr<Socket>, uint32_t> g_held;
std::map<Ptr<Socket>, uint32_t> g_asked;

/// How many whole messages of g_size bytes have come.
uint32_t
Messages(Ptr<Socket> socket)
{
    auto& held = g_held[socket];
    while (auto packet = socket->Recv())
    {
        if (!packet->GetSize())
        {
            break;
        }
        held += packet->GetSize();
    }
    const uint32_t count = held / g_size;
    held %= g_size;
    return count;
}

void
Answer(Ptr<Socket> socket)
{
    for (uint32_t count = Messages(socket); count; --count)
    {
        socket->Send(ns3::Create<ns3::Packet>(g_size));
    }
}

void
AcceptAsker(Ptr<Socket> socket, const ns3::Address&)
{
    socket->SetRecvCallback(ns3::MakeCallback(&Answer));
    socket->SetCloseCallbacks(ns3::MakeCallback(&CloseToo), ns3::MakeCallback(&CloseToo));
}

void
Ask(Ptr<Socket> socket)
{
    ++g_asked[socket];
    socket->Send(ns3::Create<ns3::Packet>(g_size));
}

void
AskNext(Ptr<Socket> socket)
{
    for (uint32_t count = Messages(socket); count; --count)
    {
        ++g_done;
        if (g_asked[socket] < g_each)
        {
            Ask(socket);
        }
        else
        {
            socket->Close();
        }
    }
}

// -- UDP ------------------------------------------------------------------------------------------------------------

uint64_t g_wanted = 0;

void
Echo(Ptr<Socket> socket)
{
    ns3::Address from;
    while (auto packet = socket->RecvFrom(from))
    {
        socket->SendTo(packet, 0, from);
    }
}

void
PingNext(Ptr<Socket> socket)
{
    while (socket->Recv())
    {
        if (++g_done < g_wanted)
        {
            socket->Send(ns3::Create<ns3::Packet>(g_size));
        }
    }
}

void
ListenTcp(const Ptr<Socket>& listener, ns3::Callback<void, Ptr<Socket>, const ns3::Address&> accepted)
{
    listener->Bind(ns3::InetSocketAddress(ns3::Ipv4Address::GetAny(), PORT));
    listener->Listen();
    listener->SetAcceptCallback(ns3::MakeNullCallback<bool, Ptr<Socket>, const ns3::Address&>(), accepted);
}

void
SetBuffers(uint32_t bytes)
{
    ns3::Config::SetDefault("ns3::TcpSocket::SegmentSize", ns3::UintegerValue(1448));
    ns3::Config::SetDefault("ns3::TcpSocket::SndBufSize", ns3::UintegerValue(bytes));
    ns3::Config::SetDefault("ns3::TcpSocket::RcvBufSize", ns3::UintegerValue(bytes));
}

/// Nodes can send once the run has begun.
template <typename Action>
void
AtStart(Action action)
{
    ns3::Simulator::Schedule(ns3::MilliSeconds(1), action);
}

void
Run()
{
    const auto began = std::chrono::steady_clock::now();
    const auto clocks = std::clock();
    ns3::Simulator::Stop(ns3::Seconds(3600));
    ns3::Simulator::Run();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    const double processTime = static_cast<double>(std::clock() - clocks) / CLOCKS_PER_SEC;
    std::printf("{\"seconds\": %.6f, \"CPU s\": %.6f, \"done\": %llu, \"hops\": %llu}\n",
                took.count(),
                processTime,
                static_cast<unsigned long long>(g_done),
                static_cast<unsigned long long>(g_hops));
}

} // namespace

int
main(int argc, char** argv)
{
    const std::string scenario = argc > 2 ? argv[1] : "";
    const auto number = [&](int at) { return at < argc ? std::strtod(argv[at], nullptr) : 0.0; };
    const auto nothing = ns3::MakeNullCallback<void, Ptr<Socket>>();
    if (scenario == "bulk")
    {
        SetBuffers(argc > 4 ? static_cast<uint32_t>(number(4)) : 1U << 20);
        g_left = static_cast<uint64_t>(number(2));
        const Line line(number(3));
        const ns3::InetSocketAddress server(line.serverAddress, PORT);
        const auto sink = line.Open(2, TCP);
        ListenTcp(sink, ns3::MakeCallback(&AcceptSink));
        const auto source = line.Open(0, TCP);
        source->Bind();
        source->SetConnectCallback(ns3::MakeCallback(&FillFirst), nothing);
        source->SetSendCallback(ns3::MakeCallback(&Fill));
        AtStart([=] { source->Connect(server); });
        Run();
    }
    else if (scenario == "requests")
    {
        SetBuffers(1U << 17);
        const auto clients = static_cast<uint32_t>(number(2));
        g_each = static_cast<uint32_t>(number(3));
        g_size = static_cast<uint32_t>(number(4));
        const Line line(0);
        const ns3::InetSocketAddress server(line.serverAddress, PORT);
        const auto listener = line.Open(2, TCP);
        ListenTcp(listener, ns3::MakeCallback(&AcceptAsker));
        for (uint32_t count = 0; count < clients; ++count)
        {
            const auto client = line.Open(0, TCP);
            client->Bind();
            client->SetConnectCallback(ns3::MakeCallback(&Ask), nothing);
            client->SetRecvCallback(ns3::MakeCallback(&AskNext));
            AtStart([=] { client->Connect(server); });
        }
        Run();
    }
    else if (scenario == "udp")
    {
        g_wanted = static_cast<uint64_t>(number(2));
        g_size = static_cast<uint32_t>(number(3));
        const Line line(0);
        const ns3::InetSocketAddress server(line.serverAddress, PORT);
        const auto echo = line.Open(2, UDP);
        echo->Bind(ns3::InetSocketAddress(ns3::Ipv4Address::GetAny(), PORT));
        echo->SetRecvCallback(ns3::MakeCallback(&Echo));
        const auto ping = line.Open(0, UDP);
        ping->Bind();
        ping->Connect(server);
        ping->SetRecvCallback(ns3::MakeCallback(&PingNext));
        AtStart([=] { ping->Send(ns3::Create<ns3::Packet>(g_size)); });
        Run();
    }
    else
    {
        std::fprintf(stderr, "usage: ns3_peer bulk BYTES LOSS BUFFER | requests CLIENTS EACH SIZE | udp COUNT SIZE\n");
        return 2;
    }
    ns3::Simulator::Destroy();
    return 0;
}
