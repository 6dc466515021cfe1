using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Bulkhead.Agent.Linux.Netlink;

/// <summary>The netlink families in use (NETLINK_*).</summary>
public enum NetlinkFamily
{
    /// <summary>Links, addresses, routes.</summary>
    Route = 0,

    /// <summary>sock_diag.</summary>
    SocketDiagnostics = 4,

    /// <summary>Conntrack, nftables, NFLOG.</summary>
    Netfilter = 12,
}

/// <summary>Is given each message that answers a request.</summary>
public delegate void NetlinkMessageHandler(NetlinkMessage message);

/// <summary>
/// A raw netlink socket, bound to the network namespace of the thread that opens it. For one thread at a time, except
/// <see cref="Wake"/>. Use one socket for requests and another for events.
/// </summary>
public sealed unsafe class NetlinkSocket : IDisposable
{
    private const ushort MessageError = 2;
    private const ushort MessageDone = 3;
    private const int ReceiveLength = 64 * 1024;
    private const int MemoryFigures = 9; // SK_MEMINFO_VARS; the last is SK_MEMINFO_DROPS

    private readonly SafeFileHandle _fd;
    private readonly SafeFileHandle _wake;
    private byte[]? _buffer;
    private uint _sequence;

    private NetlinkSocket(SafeFileHandle fd, SafeFileHandle wake, uint portId) => (_fd, _wake, PortId) = (fd, wake, portId);

    /// <summary>The socket's own address; messages that its requests cause carry it.</summary>
    public uint PortId { get; }

    /// <summary>Opens a socket in the calling thread's network namespace.</summary>
    /// <exception cref="NetlinkException">The kernel lacks the family or refuses it.</exception>
    public static NetlinkSocket Open(NetlinkFamily family)
    {
        var fd = new SafeFileHandle(Libc.Socket(Libc.AfNetlink, Libc.SockRaw | Libc.SockCloexec, (int)family), true);
        if (fd.IsInvalid)
        {
            throw NetlinkException.Last($"open a {family} netlink socket");
        }

        var address = new Libc.SockaddrNl { Family = Libc.AfNetlink };
        var length = (uint)sizeof(Libc.SockaddrNl);
        if (Libc.Bind(fd, &address, length) < 0 || Libc.GetSockName(fd, &address, &length) < 0)
        {
            throw NetlinkException.Last($"bind a {family} netlink socket");
        }

        var wake = new SafeFileHandle(Libc.EventFd(0, Libc.EfdCloexec | Libc.EfdNonblock), true);
        var socket = new NetlinkSocket(fd, wake, address.PortId);
        // Kernels without an option lose a message text, nothing else.
        socket.TrySet(Libc.SolNetlink, Libc.NetlinkCapAck, 1);
        socket.TrySet(Libc.SolNetlink, Libc.NetlinkExtAck, 1);
        return socket;
    }

    /// <summary>Subscribes to a multicast group.</summary>
    /// <exception cref="NetlinkException">Not permitted, or no such group.</exception>
    public void Join(int group)
    {
        if (!TrySet(Libc.SolNetlink, Libc.NetlinkAddMembership, group))
        {
            throw NetlinkException.Last($"join netlink group {group}");
        }
    }

    /// <summary>Sets the size of the receive buffer in bytes, beyond the system's limit where permitted.</summary>
    public void SetReceiveBuffer(int bytes)
    {
        if (!TrySet(Libc.SolSocket, Libc.SoRcvbufforce, bytes) && !TrySet(Libc.SolSocket, Libc.SoRcvbuf, bytes))
        {
            throw NetlinkException.Last("set a netlink receive buffer");
        }
    }

    /// <summary>Sets the size of the send buffer in bytes, which bounds one request, beyond the system's limit where permitted.</summary>
    public void SetSendBuffer(int bytes)
    {
        if (!TrySet(Libc.SolSocket, Libc.SoSndbufforce, bytes) && !TrySet(Libc.SolSocket, Libc.SoSndbuf, bytes))
        {
            throw NetlinkException.Last("set a netlink send buffer");
        }
    }

    /// <summary>
    /// Sends the messages of a netfilter batch, all of which happen or none, and waits for what becomes of it.
    /// </summary>
    /// <param name="batch">
    /// Finished messages, of which the first begins the batch, the last ends it, and the last but one alone asks for an acknowledgement. They get
    /// their sequence numbers here.
    /// </param>
    /// <param name="failed">Is told of each message that the kernel refuses, by its index in the batch; 0 stands for the batch.</param>
    /// <exception cref="NetlinkException">The socket failed, so what became of the batch is not known.</exception>
    public NetlinkOutcome Transact(Span<byte> batch, Action<int, NetlinkOutcome>? failed = null)
    {
        var first = _sequence + 1;
        var at = 0;
        while (at < batch.Length)
        {
            MemoryMarshal.Write(batch[(at + 8)..], ++_sequence);
            at += NetlinkMessage.Align((int)MemoryMarshal.Read<uint>(batch[at..]));
        }

        var acknowledged = _sequence - 1;
        Send(batch);
        _buffer ??= new byte[ReceiveLength];
        var result = default(NetlinkOutcome);
        while (true)
        {
            var reader = new NetlinkReader(_buffer.AsSpan(0, ReceiveAnswer(_buffer)));
            while (reader.Next())
            {
                var message = reader.Current;
                if (message.Type != MessageError || message.Sequence - first > acknowledged - first)
                {
                    continue;
                }

                var outcome = Outcome(message, interrupted: false);
                if (!outcome.Ok)
                {
                    result = result.Ok ? outcome : result;
                    failed?.Invoke((int)(message.Sequence - first), outcome);
                }

                // The batch itself is refused before any of its messages is looked at, or when they are committed.
                if (message.Sequence == acknowledged || message.Sequence == first)
                {
                    return result;
                }
            }
        }
    }

    /// <summary>Sends a request and gives its answers to a handler, until the kernel acknowledges or ends the dump.</summary>
    /// <param name="request">A finished message that asks for a dump or an acknowledgement; gets its sequence number here.</param>
    /// <param name="handler">Gets each answer; may be null if none is expected.</param>
    /// <exception cref="NetlinkException">The socket failed. That the kernel refuses is an outcome.</exception>
    public NetlinkOutcome Exchange(Span<byte> request, NetlinkMessageHandler? handler = null)
    {
        var sequence = ++_sequence;
        MemoryMarshal.Write(request[8..], sequence);
        Send(request);
        _buffer ??= new byte[ReceiveLength];
        var interrupted = false;
        while (true)
        {
            var reader = new NetlinkReader(_buffer.AsSpan(0, ReceiveAnswer(_buffer)));
            while (reader.Next())
            {
                var message = reader.Current;
                if (message.Sequence != sequence)
                {
                    continue;
                }

                interrupted |= (message.Flags & NetlinkFlags.DumpInterrupted) != 0;
                if (message.Type is MessageError or MessageDone)
                {
                    return Outcome(message, interrupted);
                }

                handler?.Invoke(message);
            }
        }
    }

    /// <summary>Sends bytes as they are.</summary>
    /// <exception cref="NetlinkException">The kernel did not take them.</exception>
    public void Send(ReadOnlySpan<byte> bytes)
    {
        fixed (byte* at = bytes)
        {
            if (Libc.Send(_fd, at, (nuint)bytes.Length, 0) != bytes.Length)
            {
                throw NetlinkException.Last("send a netlink request");
            }
        }
    }

    /// <summary>Receives one datagram, waiting for it; returns its length.</summary>
    /// <exception cref="NetlinkException">
    /// With <see cref="Errno.NoBufferSpace"/> after messages were lost; the socket can be used on.
    /// </exception>
    public int Receive(Span<byte> buffer) => Receive(buffer, 0);

    /// <summary>Receives one datagram if there is one; -1 if there is none.</summary>
    /// <exception cref="NetlinkException">As for <see cref="Receive(Span{byte})"/>.</exception>
    public int TryReceive(Span<byte> buffer) => Receive(buffer, Libc.MsgDontwait);

    /// <summary>
    /// Receives as many datagrams as are there, at most <see cref="NetlinkBatch.Capacity"/>, without waiting; returns how many.
    /// </summary>
    /// <exception cref="NetlinkException">As for <see cref="Receive(Span{byte})"/>.</exception>
    public int TryReceive(NetlinkBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        var count = batch.Receive(_fd, Libc.MsgDontwait | Libc.MsgWaitforone);
        if (count >= 0)
        {
            return count;
        }

        return Marshal.GetLastPInvokeError() is Errno.Again or Errno.Interrupted
            ? 0
            : throw NetlinkException.Last("receive from a netlink socket");
    }

    /// <summary>
    /// Messages that the kernel could not deliver since the socket was opened, because its buffer was full (SO_MEMINFO); the number starts again at 0 after 2^32.
    /// </summary>
    public uint Dropped
    {
        get
        {
            var info = stackalloc uint[MemoryFigures];
            var length = (uint)(MemoryFigures * sizeof(uint));
            return Libc.GetSockOpt(_fd, Libc.SolSocket, Libc.SoMeminfo, info, &length) == 0 && length == MemoryFigures * sizeof(uint) ? info[MemoryFigures - 1] : 0;
        }
    }

    /// <summary>
    /// Waits until there is something to receive, <see cref="Wake"/> is called, another descriptor is ready, or the time is over; whether
    /// there is something to receive.
    /// </summary>
    /// <param name="timeout">How long at most; <see cref="Timeout.InfiniteTimeSpan"/> for ever.</param>
    /// <param name="other">Another descriptor, or -1.</param>
    /// <param name="alike">Another socket, for which it waits as well.</param>
    public bool Wait(TimeSpan timeout, int other = -1, NetlinkSocket? alike = null)
    {
        var fds = stackalloc Libc.PollFd[4];
        fds[0] = new() { Fd = (int)_fd.DangerousGetHandle(), Events = Libc.PollIn };
        fds[1] = new() { Fd = (int)_wake.DangerousGetHandle(), Events = Libc.PollIn };
        fds[2] = new() { Fd = other, Events = Libc.PollIn };
        fds[3] = new() { Fd = alike is null ? -1 : (int)alike._fd.DangerousGetHandle(), Events = Libc.PollIn };
        var ready = Libc.Poll(fds, 4, timeout < TimeSpan.Zero ? -1 : (int)Math.Ceiling(timeout.TotalMilliseconds));
        return ready > 0 && fds[0].Returned != 0;
    }

    /// <summary>Ends every <see cref="Wait"/>, now and later; from any thread. For stopping.</summary>
    public void Wake()
    {
        ulong one = 1;
        _ = Libc.Write(_wake, &one, sizeof(ulong));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _fd.Dispose();
        _wake.Dispose();
    }

    /// <summary>Once an answer was lost the kernel loses every other one until all that are there were read; and who waited for those would wait for ever.</summary>
    private int ReceiveAnswer(Span<byte> buffer)
    {
        try
        {
            return Receive(buffer);
        }
        catch (NetlinkException lost) when (lost.Errno == Errno.NoBufferSpace)
        {
            while (TryReceive(buffer) >= 0)
            {
                // They answer what nobody asks any more.
            }

            throw;
        }
    }

    private int Receive(Span<byte> buffer, int flags)
    {
        fixed (byte* at = buffer)
        {
            while (true)
            {
                // With MSG_TRUNC the kernel returns the datagram's real length, so that a cut one is noticed.
                var length = (int)Libc.Receive(_fd, at, (nuint)buffer.Length, flags | Libc.MsgTrunc);
                if (length > buffer.Length)
                {
                    throw new NetlinkException("receive from a netlink socket", Errno.NoBufferSpace, $"a datagram of {length} bytes did not fit");
                }

                if (length >= 0)
                {
                    return length;
                }

                switch (Marshal.GetLastPInvokeError())
                {
                    case Errno.Interrupted:
                        continue;
                    case Errno.Again when (flags & Libc.MsgDontwait) != 0:
                        return -1;
                    default:
                        throw NetlinkException.Last("receive from a netlink socket");
                }
            }
        }
    }

    private bool TrySet(int level, int option, int value) => Libc.SetSockOpt(_fd, level, option, &value, sizeof(int)) == 0;

    private static NetlinkOutcome Outcome(NetlinkMessage message, bool interrupted)
    {
        var payload = message.Payload;
        var errno = payload.Length >= 4 ? -MemoryMarshal.Read<int>(payload) : 0;
        string? detail = null;
        if (errno != 0 && (message.Flags & NetlinkFlags.AckAttributes) != 0)
        {
            // struct nlmsgerr: the number, then the request's header, and unless capped its payload too.
            var skip = message.Type == MessageDone ? 4
                : (message.Flags & NetlinkFlags.Capped) != 0 || payload.Length < 20 ? 4 + NetlinkMessage.HeaderLength
                : 4 + NetlinkMessage.Align((int)Math.Min(MemoryMarshal.Read<uint>(payload[4..]), (uint)payload.Length));
            var attributes = message.Attributes(skip);
            while (attributes.Next())
            {
                if (attributes.Type == 1)
                {
                    detail = attributes.Text();
                }
            }
        }

        return new(errno, detail, interrupted);
    }
}
