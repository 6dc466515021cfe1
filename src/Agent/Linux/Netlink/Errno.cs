namespace Bulkhead.Agent.Linux.Netlink;

/// <summary>Error numbers of Linux that callers tell apart.</summary>
public static class Errno
{
    /// <summary>There is no such object.</summary>
    public const int NoEntry = 2;

    /// <summary>Interrupted by a signal.</summary>
    public const int Interrupted = 4;

    /// <summary>Nothing to read now.</summary>
    public const int Again = 11;

    /// <summary>The kernel is out of memory for it.</summary>
    public const int NoMemory = 12;

    /// <summary>The object is in use.</summary>
    public const int Busy = 16;

    /// <summary>There is one already.</summary>
    public const int Exists = 17;

    /// <summary>To be tried again: for nftables, somebody else changed something since the generation that the request names.</summary>
    public const int Restart = 85;

    /// <summary>The message is longer than the socket's send buffer.</summary>
    public const int MessageSize = 90;

    /// <summary>Messages were lost because the receive buffer was full.</summary>
    public const int NoBufferSpace = 105;

    /// <summary>The kernel was built without it.</summary>
    public const int NotSupported = 95;
}
