namespace Bulkhead.Lab;

/// <summary>The lab cannot do what was asked; the message says why, and what to do about it.</summary>
public sealed class LabException : Exception
{
    /// <summary>Creates the exception with its message.</summary>
    public LabException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with its message and cause.</summary>
    public LabException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Creates an exception without a message.</summary>
    public LabException()
    {
    }
}
